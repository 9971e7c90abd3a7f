"""A server of its own: what is restored has the name of a real database, not that of a test's."""

from tests.backoffice.conftest import folder, server

__all__ = ["folder", "server"]
