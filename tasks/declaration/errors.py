"""How the function of a task says that something went wrong outside, or that it was stopped.

Any other exception is a fault of the code: the run fails, and its owner gets the traceback.
"""


class Refused(Exception):
    """Nothing happened: the other side said no, or was never asked.

    `message` is shown to the person who asked, so it says what to do next. A refusal speaks for
    one call only. Where an earlier call of the same step got no answer, that one may have had its
    effect all the same, unless `looked_up` says that the other side was searched for it and holds
    no trace.
    """

    def __init__(self, message: str, *, looked_up: bool = False) -> None:
        super().__init__(message)
        self.looked_up = looked_up


class Busy(Refused):
    """Nothing happened, and the same may succeed later: it is tried again after a pause."""


class OutcomeUnknown(Exception):
    """It may have happened, and it may not: the call went out and no answer can be believed.

    Only the same call under the same idempotency key may follow, or a person who looks it up.
    `message` says to that person where to look. `same_key` says whether the call may follow.
    """

    def __init__(self, message: str, *, same_key: bool = True) -> None:
        super().__init__(message)
        self.same_key = same_key


class Cancelled(Exception):
    """Somebody asked the run to stop, and its code has looked. What was done stays done."""


class Halted(Cancelled):
    """Somebody has stopped the task before this step: `what` says who, and what is stopped."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason} What was done before stays done.")
        self.what = what


class Stopped(BaseException):
    """Somebody asked the run to stop and it went on, so that it is stopped by force.

    Not to be caught, which is why it is no `Exception`.
    """


class Paused(BaseException):
    """The run stops between two items, and goes on with the next one when somebody says so.

    Not to be caught, which is why it is no `Exception`. `needs_look` says that it may not be who
    asked for the run.
    """

    def __init__(self, why: str, *, needs_look: bool) -> None:
        super().__init__(why)
        self.needs_look = needs_look


class NotOurs(Exception):
    """The run was taken from this worker, which was silent for too long. It must do no more."""
