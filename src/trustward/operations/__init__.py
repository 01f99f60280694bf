"""What the service does, as straight stories over ports, one to a file."""
