"""Trustward: finds fraud on online services, stops it, and shows that it did."""

from __future__ import annotations

__version__ = "0.1.0"
