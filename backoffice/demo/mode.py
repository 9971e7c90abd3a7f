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
    DemoLogin("sam", "support agent: requests credits, refunds and more"),
    DemoLogin("mona", "support manager: approves them"),
    DemoLogin("max", "the other support manager: approves when a second one is needed"),
    DemoLogin("erin", "engineer and administrator: writes tasks, sets approval rules"),
    DemoLogin("evan", "the other engineer: approves erin's changes"),
    DemoLogin("carl", "compliance: views and exports the audit log"),
)


def in_demo() -> bool:
    """Whether this process was started by `make demo`."""
    return os.environ.get("BACKOFFICE_DEMO") == "1"


def demo_logins() -> tuple[DemoLogin, ...]:
    """Who can sign in to the demo; nobody elsewhere."""
    return LOGINS if in_demo() else ()
