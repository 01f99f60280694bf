"""The stores of the service's tests."""

from tests.service.conftest import opened, server, template

__all__ = ["opened", "server", "template"]
