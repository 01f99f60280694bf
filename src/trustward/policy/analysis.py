"""Conditions that can be shown to hold never or always: a rule with one is a mistake."""

from __future__ import annotations

from trustward.policy.faults import Faults, Span
from trustward.policy.nodes import Node


def check(faults: Faults, when: Node, span: Span) -> None:
    """Record conditions that can never hold or always hold."""
