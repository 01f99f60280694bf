"""Signals and text functions: what a value by itself says."""
