"""How good the answers for labelled rows are."""
