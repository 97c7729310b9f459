"""The jobs of every country: train, compare with production, promote, score."""
