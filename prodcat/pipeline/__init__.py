"""Every country's jobs: train, judge, promote, score."""
