"""Everything the double knows: the books of each account, the ledger of effects, the keys."""

import json
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from tests.doubles.stripe.books import TABLES, Books
from tests.doubles.stripe.idempotency import Keys
from tests.doubles.stripe.refusals import NotSaved
from tests.doubles.stripe.wire import Obj

_FORMAT = 1
PLATFORM = ""


class World:
    """Hold `lock` around every use. Effect and key change under one lock and reach the file together."""

    def __init__(self, now: Callable[[], float], state: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.now = now
        self.state = state
        self.effects: list[Obj] = []
        self.keys = Keys(now)
        self._books: dict[str, Books] = {}
        self.books(PLATFORM)

    @property
    def platform(self) -> Books:
        return self._books[PLATFORM]

    def books(self, account: str) -> Books:
        """The books of one account; new ones when there are none yet."""
        if account not in self._books:
            self._books[account] = Books(account, self.now, self.effects)
        return self._books[account]

    def books_asked_for(self, account: str) -> Books:
        """As `books`, for a request. Raise NotSaved (403) for an account that is not connected."""
        if account and account not in self.platform.tables["accounts"]:
            raise NotSaved(
                f"The provided key does not have access to account '{account}' "
                "(or that account does not exist).",
                status=403,
                code="account_invalid",
            )
        return self.books(account)

    def find(self, table: str, key: str) -> tuple[Books, Obj]:
        """An object in whichever account it is. Raise LookupError."""
        for books in self._books.values():
            if key in books.tables[table]:
                return books, books.tables[table][key]
        raise LookupError(f"The double has no {TABLES[table]} '{key}'.")

    def save(self) -> None:
        """Write the state file anew; whoever reads it sees the old one or the new one, never half."""
        if self.state is not None:
            with self.lock:
                _replace(self.state, json.dumps(self._dump()))

    def _dump(self) -> Obj:
        return {
            "format": _FORMAT,
            "books": {
                account: {
                    "tables": books.tables,
                    "available": books.available,
                    "refund_status": books.refund_status,
                }
                for account, books in self._books.items()
            },
            "effects": self.effects,
            "keys": self.keys.dump(),
        }

    def load(self, saved: Obj) -> None:
        """Take over what `save` wrote. Raise ValueError for the file of another version."""
        if saved.get("format") != _FORMAT:
            raise ValueError(f"its format is {saved.get('format')!r}, not {_FORMAT}")
        self.effects.extend(saved["effects"])
        self.keys.load(saved["keys"])
        for account, kept in saved["books"].items():
            books = self.books(account)
            books.tables.update(kept["tables"])
            books.available.update(kept["available"])
            books.refund_status.update(kept["refund_status"])


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
