"""A whole job on made-up data: encoder, catalog, training, answers."""
