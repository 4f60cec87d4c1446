"""What decides a score: the effect of every option of every decision, and how candidates flow through them."""
