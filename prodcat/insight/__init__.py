"""What people look at: reports of evaluations and assortments, label errors, drift."""
