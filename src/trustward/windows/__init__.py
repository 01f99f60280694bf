"""Exact sliding windows over event time (``docs/windows.md``). Import ``trustward.windows.state`` for ``Windows``."""
