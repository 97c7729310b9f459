"""The model: encoder, heads and n-grams, which turn titles into scores of the outcomes."""
