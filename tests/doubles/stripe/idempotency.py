"""What Stripe remembers under an idempotency key.

A key belongs to one API key and one account. The first request claims it; while that one runs,
others are told to wait. What its execution answered, errors included, is then given to every later
request with the same content. Not thread-safe: the world's lock is held around every use.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tests.doubles.stripe.refusals import NotSaved, error
from tests.doubles.stripe.wire import Answer, Call, Obj

LONGEST_KEY = 255


@dataclass(slots=True)
class Remembered:
    fingerprint: str
    first_request: str
    at: float
    answer: Answer | None = None  # None while the first request still runs


class ReusedKey(NotSaved):
    """The same key with other content: a mistake of the caller that must never be papered over."""

    @property
    def answer(self) -> Answer:
        return error(self.status, self.message, kind="idempotency_error")


class Keys:
    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._remembered: dict[tuple[str, str, str], Remembered] = {}

    def claim(self, call: Call) -> Answer | None:
        """The remembered answer, or None when this request is the first. Raise NotSaved on conflict."""
        if not _has_key(call):
            return None
        if len(call.idempotency_key) > LONGEST_KEY:
            raise NotSaved(f"An idempotency key can have up to {LONGEST_KEY} characters.")
        known = self._remembered.get(_scope(call))
        if known is None:
            self._remembered[_scope(call)] = Remembered(call.fingerprint, call.id, self.now())
            return None
        return _replay(known, call)

    def finish(self, call: Call, answer: Answer | None) -> None:
        """Keep the answer, or with None forget that the key was ever used."""
        if not _has_key(call):
            return
        if answer is None:
            del self._remembered[_scope(call)]
        else:
            self._remembered[_scope(call)].answer = answer

    def prune(self, older_than: float = 0.0) -> int:
        """Forget finished keys first used more than so many seconds ago, as Stripe may in a day."""
        until = self.now() - older_than
        old = [scope for scope, key in self._remembered.items() if key.answer and key.at <= until]
        for scope in old:
            del self._remembered[scope]
        return len(old)

    def forget(self, names: Collection[str]) -> None:
        """Forget these finished keys, however young."""
        for scope in [s for s, key in self._remembered.items() if s[2] in names and key.answer]:
            del self._remembered[scope]

    def dump(self) -> list[Obj]:
        """Finished keys only: whatever was running when the process stopped never happened."""
        return [
            {
                "scope": list(scope),
                "fingerprint": key.fingerprint,
                "first_request": key.first_request,
                "at": key.at,
                "status": key.answer.status,
                "body": key.answer.body,
                "headers": dict(key.answer.headers),
            }
            for scope, key in self._remembered.items()
            if key.answer
        ]

    def load(self, rows: list[Obj]) -> None:
        for row in rows:
            api_key, account, name = row["scope"]
            answer = Answer(row["status"], row["body"], row["headers"])
            self._remembered[api_key, account, name] = Remembered(
                row["fingerprint"], row["first_request"], row["at"], answer
            )


def _has_key(call: Call) -> bool:
    return call.method == "POST" and bool(call.idempotency_key)


def _scope(call: Call) -> tuple[str, str, str]:
    return call.api_key, call.account, call.idempotency_key


def _replay(known: Remembered, call: Call) -> Answer:
    if known.fingerprint != call.fingerprint:
        raise ReusedKey(
            f"The idempotency key '{call.idempotency_key}' was first used with other parameters. "
            "Use another key for another request."
        )
    if known.answer is None:
        raise NotSaved(
            f"A request with the idempotency key '{call.idempotency_key}' is still in progress. "
            "Try again shortly.",
            status=409,
            code="idempotency_key_in_use",
        )
    return known.answer.also(Idempotent_Replayed="true", Original_Request=known.first_request)
