"""Whether this is the demo, and who can sign in to it."""

import os
from dataclasses import dataclass

PASSWORD = "demo-backoffice-2026"  # noqa: S105 - printed on the screen


@dataclass(frozen=True, slots=True)
class DemoLogin:
    name: str
    role: str
    password: str = PASSWORD


LOGINS = (
    DemoLogin("sam", "support agent: asks for credits, refunds and the like"),
    DemoLogin("mona", "support manager: approves them"),
    DemoLogin("erin", "engineer and administrator: writes the tasks, sets the rules"),
    DemoLogin("evan", "the other engineer: agrees to what erin changes"),
    DemoLogin("carl", "compliance: reads and exports the whole history"),
)


def in_demo() -> bool:
    """Whether this process was started by `make demo`."""
    return os.environ.get("BACKOFFICE_DEMO") == "1"


def demo_logins() -> tuple[DemoLogin, ...]:
    """Who can sign in to the demo; nobody elsewhere."""
    return LOGINS if in_demo() else ()
