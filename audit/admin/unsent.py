"""What somebody typed into a form that was not taken: their session had ended, or the page was too old.

It is kept for a few minutes in the session of the same browser, and offered again after signing in.
Nothing of it is ever sent by itself: the person reads it and presses the button again.
"""

import time
from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, QueryDict

KEPT_AS: Final = "unsent"  # in the session
KEPT_FOR: Final = 15 * 60  # seconds
LONGEST: Final = 20_000  # characters in all

type Fields = Mapping[str, list[str]]


def keep(request: HttpRequest, fields: Fields) -> bool:
    """Keep what was sent to this address. Returns whether there was anything to keep."""
    typed = {name: values for name, values in fields.items() if any(values)}
    size = sum(len(value) for values in typed.values() for value in values)
    if not typed or size > LONGEST:
        return False
    request.session[KEPT_AS] = {"path": request.path, "fields": typed, "at": time.time()}
    return True


def kept(request: HttpRequest, path: str) -> QueryDict | None:
    """What was sent to this address and not taken, if that was a few minutes ago."""
    found = request.session.get(KEPT_AS)
    if not found or found["path"] != path or time.time() - found["at"] > KEPT_FOR:
        return None
    fields = QueryDict(mutable=True)
    for name, values in found["fields"].items():
        fields.setlist(name, values)
    return fields


def take(request: HttpRequest, path: str) -> QueryDict | None:
    """The same, once: the page shows it in its form."""
    fields = kept(request, path)
    if fields is not None:
        del request.session[KEPT_AS]
    return fields


def first_notice(request: HttpRequest, path: str) -> QueryDict | None:
    """The same, for who has not been notified of it yet."""
    fields = kept(request, path)
    if fields is None or request.session[KEPT_AS].get("notified"):
        return None
    request.session[KEPT_AS] |= {"notified": True}
    request.session.modified = True
    return fields
