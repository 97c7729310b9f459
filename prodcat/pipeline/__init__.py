"""The jobs of each country: train a model, compare it with production, promote it, score."""
