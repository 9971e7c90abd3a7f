"""Gunicorn's access log, without the tokens of links in emails."""

import re
from datetime import timedelta
from typing import Any, Final

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

TOKEN: Final = re.compile(r"/a/[^/ ]+")


class WithoutTokens(Logger):  # type: ignore[misc]  # untyped package
    """For `gunicorn --logger-class=backoffice.access_log.WithoutTokens`."""

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
