"""The model: encoder, heads and n-grams, from tokens and features to scores."""
