"""From probabilities to the answer that was asked for."""
