"""How good a ranking is: scores and truths of the same networks, and all that follows from them."""

from app.views.ranking.saved import headline, read_report, tau_now

__all__ = ["headline", "read_report", "tau_now"]
