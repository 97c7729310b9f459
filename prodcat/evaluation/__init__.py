"""Evaluation: metrics of the answers for labelled rows, with intervals, tables and plots."""
