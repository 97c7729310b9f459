"""Decisions: from log-probabilities to the answer that the options ask for."""
