"""Engines with a mistake that people make. The harness must find fault with each.

Each is a module that the workers of a trial load beside the tasks, and that puts its mistake in the
place of what is right. With it comes a script of faults that are enough to show it, and that the
right engine gets over without anybody's help.
"""

from typing import Final

from tests.doubles.stripe import Fault, Kind

HITS: Final = 6

SCRIPTS: Final[dict[str, tuple[Kind, ...]]] = {
    "new_key": (Kind.RESET_AFTER,),
    "every_error_is_failure": (Kind.RESET_AFTER,),
    "trusts_the_hint": (Kind.TRUNCATE_AFTER,),
    "no_look_up": (Kind.ERROR_AFTER,),
    "none": (Kind.RESET_AFTER, Kind.TRUNCATE_AFTER, Kind.ERROR_AFTER, Kind.ERROR_BEFORE),
}


def modules(engine: str) -> list[str]:
    """What the workers of this engine load."""
    return [] if engine in ("", "none") else [f"{__name__}.{engine}"]


def script(engine: str) -> list[Fault]:
    """The faults of its trial: the first calls are hit. Empty for the whole storm."""
    kinds = SCRIPTS.get(engine, ())
    # The status is that of ERROR_BEFORE: Stripe is too busy.
    return [Fault(kind, method="POST", count=HITS, status=429) for kind in kinds]
