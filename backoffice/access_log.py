"""Gunicorn's logs: without the tokens of links in emails, and by the clock of our own, which is UTC."""

import re
import time
from datetime import timedelta
from typing import Any, Final

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

TOKEN: Final = re.compile(r"/a/[^/ ]+")


class WithoutTokens(Logger):  # type: ignore[misc]  # untyped package
    """For `gunicorn --logger-class=backoffice.access_log.WithoutTokens`."""

    def setup(self, cfg: object) -> None:
        """Let the log of errors tell the time as the product's own does."""
        super().setup(cfg)
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
            name: TOKEN.sub("/a/…", text) if isinstance(text, str) else text
            for name, text in atoms.items()
        }
