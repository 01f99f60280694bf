"""A synthetic world: honest people and the campaigns among them, as a labelled stream of events."""

from trustward.simulate.run import WorldSummary, simulate

__all__ = ["WorldSummary", "simulate"]
