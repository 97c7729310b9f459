"""Decisions: choose the answer for each title from its log-probabilities and the options."""
