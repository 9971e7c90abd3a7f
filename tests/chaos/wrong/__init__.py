"""Engines with a mistake that people make. The harness must find fault with each.

Each is a module that the workers of a trial load beside the tasks, and that puts its mistake in the
place of what is right. With it comes a script of faults that are enough to show it, and that the
right engine gets over without anybody's help.
"""

from typing import Any, Final

from tests.doubles.stripe import Fault, Kind

HITS: Final = 6

_BUSY: Final = tuple(
    {"kind": Kind.ERROR_BEFORE, "status": status, "count": HITS // 3} for status in (429, 409, 503)
)
SCRIPTS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "new_key": ({"kind": Kind.RESET_AFTER},),
    "every_error_is_failure": ({"kind": Kind.RESET_AFTER},),
    "trusts_the_hint": ({"kind": Kind.TRUNCATE_AFTER},),
    "no_look_up": ({"kind": Kind.ERROR_AFTER},),
    "busy_is_refusal": _BUSY,
    "no_fence": ({"kind": Kind.SLOW, "seconds": 1.0, "count": None},),
    "old_keys": ({"kind": Kind.RESET_AFTER},),
    "none": (
        *({"kind": kind} for kind in (Kind.RESET_AFTER, Kind.TRUNCATE_AFTER, Kind.ERROR_AFTER)),
        *_BUSY,
        {"kind": Kind.SLOW, "seconds": 1.0},
    ),
}
# In these trials workers are frozen for longer than their lease; and in that one a day passes.
FREEZING: Final = ("no_fence", "none")
AGEING: Final = ("old_keys",)


def modules(engine: str) -> list[str]:
    """What the workers of this engine load."""
    return [] if engine in ("", "none") else [f"{__name__}.{engine}"]


def script(engine: str) -> list[Fault]:
    """The faults of its trial: the first calls are hit. Empty for the whole storm."""
    return [
        Fault(**{"method": "POST", "count": HITS, **fault}) for fault in SCRIPTS.get(engine, ())
    ]
