"""The HTTP service: events in, decisions out, and the changes that people make; ``python -m trustward.api`` runs it."""
