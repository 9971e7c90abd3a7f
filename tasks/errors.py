"""How the function of a task says that something went wrong outside.

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


class OutcomeUnknown(Exception):
    """It may have happened, and it may not: the call went out and no answer can be believed.

    Only the same call under the same idempotency key may follow, or a person who looks it up.
    `message` says to that person where to look.
    """
