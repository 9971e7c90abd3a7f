"""Gunicorn's logs, without the tokens of links in emails."""

from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from backoffice.mail_tokens import HideTokens, without_tokens


class WithoutTokens(Logger):  # type: ignore[misc]  # untyped package
    """For `gunicorn --logger-class=backoffice.access_log.WithoutTokens`."""

    def setup(self, cfg: object) -> None:
        """What gunicorn says of a request that it could not handle names its address, too."""
        super().setup(cfg)
        self.error_log.addFilter(HideTokens())

    def atoms(
        self,
        resp: object,
        req: object,
        environ: dict[str, object],
        request_time: timedelta,
    ) -> dict[str, Any]:
        """What a line of the log is made of: the address, and the one before it."""
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return {
            name: without_tokens(text) if isinstance(text, str) else text
            for name, text in atoms.items()
        }
