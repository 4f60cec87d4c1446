"""How good is a ranking: correlations with intervals, beside the priors."""
