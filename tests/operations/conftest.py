"""The stores of the service's tests."""

from tests.service.conftest import begun, opened, server, template

__all__ = ["begun", "opened", "server", "template"]
