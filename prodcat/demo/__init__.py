"""Demonstrates a whole job on generated titles: encoder, catalog, training, answers."""
