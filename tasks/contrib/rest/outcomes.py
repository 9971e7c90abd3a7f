"""What an answer, or its absence, says of a call that changes something.

| what came back                              | did it happen?              | becomes        |
|---------------------------------------------|-----------------------------|----------------|
| 2xx with the declared fields                | yes                         | the answer     |
| 2xx with anything else, or too much of it   | probably                    | OutcomeUnknown |
| 3xx: redirects are not followed             | unknown                     | OutcomeUnknown |
| 408, 409                                    | perhaps by an earlier call  | OutcomeUnknown |
| 425, 429, 503 that says when to come again  | not by this call            | Busy           |
| any other 4xx                               | not by this call            | Refused        |
| any other 5xx                               | unknown                     | OutcomeUnknown |
| no host, no connection, no TLS              | no: nothing was sent        | Busy           |
| a private address, a wrong certificate      | no: nothing was sent        | Refused        |
| no answer in time, half an answer           | unknown                     | OutcomeUnknown |

Where the call has a key, or its method may be sent twice, what is unknown for lack of an answer may be
sent again under the same key. Of a call that changes nothing, nothing is unknown: Busy or Refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from approvals.transport import Answer, Call, NoAnswer, NotAllowed, NotSent, TooLarge, exchange
from tasks.authoring import Busy, OutcomeUnknown, Refused
from tasks.contrib.rest.answers import NotAsDeclared, fields_of, problem_in

LATER: Final = (425, 429)
PERHAPS: Final = (408, 409)
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
LOOK: Final = "It may have happened: check there before trying it again."


class NotThere(Refused):
    """The service knows nothing at this address."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer is read. `same_key` says that the call may be sent again as it is."""

    of: str  # the service, for people
    returns: Mapping[str, type]
    problem: str
    changes: bool
    same_key: bool


def sent(call: Call, reading: Reading) -> dict[str, Any]:
    """Send it, and give the declared fields of the answer.

    Raises Refused and Busy where nothing happened, OutcomeUnknown where it may have.
    """
    try:
        answer = exchange(call)
    except NotAllowed as error:
        raise Refused(f"{reading.of} was not called. {error}") from error
    except NotSent as error:
        raise Busy(f"{reading.of} was not called. {error}") from error
    except NoAnswer as error:
        _unknown(reading, str(error), same_key=reading.same_key, cause=error)
    except TooLarge as error:
        _unknown(reading, str(error), same_key=False, cause=error)
    except ValueError as error:
        raise Refused(f"{reading.of} was not called: a value cannot be sent to it.") from error
    return _judged(answer, reading)


def _judged(answer: Answer, reading: Reading) -> dict[str, Any]:
    status, content_type = answer.status, answer.headers.get("content-type", "")
    if 200 <= status < 300:
        try:
            return fields_of(answer.body, content_type, reading.returns)
        except NotAsDeclared as error:
            _unknown(reading, str(error), same_key=False, cause=error)
    if status < 400:
        _unknown(reading, "It answered with a redirect, which is not followed.", same_key=False)
    if status in LATER or (status == UNAVAILABLE and "retry-after" in answer.headers):
        raise Busy(f"{reading.of} is busy (HTTP {status}). Nothing happened.")
    if status in PERHAPS or status >= 500:
        _unknown(reading, f"It answered with HTTP {status}.", same_key=reading.same_key)
    why = problem_in(answer.body, content_type, reading.problem)
    raise (NotThere if status == NOT_FOUND else Refused)(
        f"{reading.of} refused this{f': {why}' if why else ''} (HTTP {status}). Nothing happened."
    )


def _unknown(
    reading: Reading, why: str, *, same_key: bool, cause: Exception | None = None
) -> NoReturn:
    if reading.changes:
        raise OutcomeUnknown(f"{reading.of}: {why} {LOOK}", same_key=same_key) from cause
    raise (Busy if same_key else Refused)(f"{reading.of}: {why}") from cause
