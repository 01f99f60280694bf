"""The account of a replay as one HTML page: no script, no request, nothing but the file."""

from __future__ import annotations

from trustward.cli.report.page import render_page, write_page

__all__ = ["render_page", "write_page"]
