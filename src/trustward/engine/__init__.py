"""Decide one event, decide a file, prove a policy on examples and on history, save and restore."""
