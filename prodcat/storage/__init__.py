"""Objects at any fsspec URI, and the files that are made of them."""
