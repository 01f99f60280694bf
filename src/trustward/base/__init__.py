"""Errors, clock, ids and units: no word of fraud here."""
