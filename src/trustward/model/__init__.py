"""Frozen records, one noun a file: catalogue, events, decisions, signals."""
