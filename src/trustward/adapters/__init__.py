"""The outside world: files in and out."""
