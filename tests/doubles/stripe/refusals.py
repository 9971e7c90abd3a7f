"""Refusals in the shape that makes the real client raise the right exception."""

from collections.abc import Mapping

from tests.doubles.stripe.wire import Answer


class Refusal(Exception):
    """Stripe says no. `saved` tells whether the idempotency key remembers it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        saved: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.saved = saved

    @property
    def answer(self) -> Answer:
        return error(self.status, self.message, code=self.code, param=self.param)


class NotSaved(Refusal):
    """Refused before the endpoint began to work, so the same key may be used again."""

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message, status=status, code=code, param=param, saved=False)


def error(
    status: int,
    message: str,
    *,
    kind: str = "",
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Stripe's error object. Fields without a value are left out, as Stripe does."""
    body = {
        "type": kind or ("api_error" if status >= 500 else "invalid_request_error"),
        "message": message,
    }
    if code:
        body["code"] = code
        body["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    if param:
        body["param"] = param
    return Answer.of(status, {"error": body}, headers)


def missing(what: str, key: str, *, param: str, status: int) -> Refusal:
    return Refusal(f"No such {what}: '{key}'", status=status, code="resource_missing", param=param)
