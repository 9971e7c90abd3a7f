"""The time zone of the person who is signed in: of all times on the pages that they read and fill in.

What is on record and what is sent keeps to `TIME_ZONE`, and says so: it has more than one reader.
"""

from collections.abc import Callable
from datetime import tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

# What programs ask, which have no zone: who is signed in would be read from the database.
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class TimeZoneMiddleware:
    """Has a page show and read times in the zone of the person who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in PROBES:
            return self.get_response(request)
        with timezone.override(zone_named(getattr(request.user, "time_zone", ""))):
            return self.get_response(request)


def zone_named(name: str) -> tzinfo:
    """The zone of this name; that of the server where there is none, or none by that name any more."""
    try:
        return ZoneInfo(name) if name else timezone.get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.get_default_timezone()


@cache
def zone_names() -> tuple[str, ...]:
    """The zones that a person can choose: places, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if _is_a_place(name)))


def _is_a_place(name: str) -> bool:
    return "/" in name and not name.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/"))
