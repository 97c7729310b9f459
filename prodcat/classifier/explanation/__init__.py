"""Reasons for answers: which words speak for an answer, and which against it, level by level."""
