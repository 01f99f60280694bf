"""Texts: what a message says, in any language, without knowing who wrote it."""
