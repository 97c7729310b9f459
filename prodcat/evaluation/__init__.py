"""Metrics of the answers for labelled rows."""
