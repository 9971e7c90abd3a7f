"""What the workers of a bench do."""

from pathlib import Path
from time import monotonic


def nothing() -> None:
    pass


def note_delay(asked_at: float, file: str) -> None:
    """Append the seconds since `asked_at`, a moment of this machine's clock."""
    with Path(file).open("a") as lines:
        lines.write(f"{monotonic() - asked_at}\n")
