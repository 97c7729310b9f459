"""Features and tokens in, scores out: encoder, heads, n-grams, network."""
