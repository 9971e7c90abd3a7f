"""Lengths of time as people write them."""

from datetime import timedelta
from typing import Final

UNITS: Final = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}  # in seconds


def in_units(value: timedelta) -> str:
    """“1 hour 30 minutes”, which is read as the same again."""
    left, said = int(value.total_seconds()), []
    for unit, seconds in UNITS.items():
        number, left = divmod(left, seconds)
        if number:
            said.append(f"{number} {unit}{'' if number == 1 else 's'}")
    return " ".join(said) or "0 seconds"
