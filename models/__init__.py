"""Training: from named data to the weights and lists that the screeners ship (``make models``)."""
