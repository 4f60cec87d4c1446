"""What the scores of candidates say, in a few sentences."""

from app.text import count
from app.views.candidates import Noise, Score


def answer(noise: Noise, score: Score, everything: int) -> str:
    """How many candidates there are, and how many of them cannot be told from the best.

    Args:
        everything: candidates with a result; more than in `noise` if they were filtered.
    """
    of = f"{noise.total:,}" if noise.total == everything else f"the {noise.total:,} chosen, of {everything:,},"
    distinct = count(noise.distinct, "distinct score")
    if noise.total == 0:
        return "No candidate has this score."
    if noise.alike is None:
        what = score.title.lower()
        return f"{count(noise.total, 'candidate')} with {distinct}; how far a {what} may be off is not known."
    if noise.alike == 1:
        return f"One of {of} stands out: all others are worse than the best by more than their errors. {distinct}."
    return f"{noise.alike:,} of {of} are within noise of the best; {distinct}."
