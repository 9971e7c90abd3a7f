"""Gunicorn's logs: without the tokens of links in emails, and by the clock of our own, which is UTC."""

import time
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from backoffice.mail_tokens import HideTokens, without_tokens


class WithoutTokens(Logger):  # type: ignore[misc]  # untyped package
    """For `gunicorn --logger-class=backoffice.access_log.WithoutTokens`."""

    def setup(self, cfg: object) -> None:
        """Hide the tokens in what is said of a request that failed; tell the time as our logs do."""
        super().setup(cfg)
        self.error_log.addFilter(HideTokens())
        for handler in self.error_log.handlers:
            if handler.formatter is not None:
                handler.formatter.converter = time.gmtime

    def now(self) -> str:
        """The time of a line of the access log."""
        return time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime())

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
