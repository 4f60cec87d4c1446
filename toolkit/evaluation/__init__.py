"""Candidates, the evaluator and the ledger of results."""
