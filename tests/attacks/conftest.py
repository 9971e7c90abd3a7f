from tests.approvals.conftest import ask

__all__ = ["ask"]
