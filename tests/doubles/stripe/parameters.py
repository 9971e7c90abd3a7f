"""Reading parameters. What is refused here never reached the endpoint: no key remembers it."""

import functools
import re
from collections.abc import Iterable

from tests.doubles.stripe.refusals import NotSaved
from tests.doubles.stripe.wire import Call, Obj

_LIMITS = {"keys": 50, "name": 40, "value": 500}


@functools.cache
def known_parameters(params_class: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names the client's own annotations allow, and those they require.

    `RequestOptions` is taken out: the annotations accept `idempotency_key` as a parameter, Stripe does
    not, and a key sent as data protects nothing.
    """
    # Imported late: a demo process that only serves look-ups starts faster.
    import stripe
    import stripe.params

    annotated = getattr(stripe.params, params_class)
    names = frozenset(annotated.__annotations__) - frozenset(stripe.RequestOptions.__annotations__)
    return names, frozenset(annotated.__required_keys__) & names


def check_names(call: Call, params_class: str, modelled: Iterable[str]) -> None:
    """Raise NotSaved for an unknown parameter, a missing one, or one the double does not act on."""
    known, required = known_parameters(params_class)
    for name in sorted(set(call.params) - known):
        raise NotSaved(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    for name in sorted(required - set(call.params)):
        raise _required(name)
    for name in sorted(set(call.params) - set(modelled)):
        raise NotSaved(
            f"Stripe knows '{name}' on {call.method} {call.path}, but this test double does not act "
            "on it. Leave it out, or teach the double.",
            param=name,
        )


def text(call: Call, name: str) -> str | None:
    value = call.params.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise NotSaved(f"Invalid string: {name} has to be a single value.", param=name)
    if not value:
        raise NotSaved(
            f"An empty string was passed for '{name}'. Leave it out instead.",
            code="parameter_invalid_empty",
            param=name,
        )
    return value


def required_text(call: Call, name: str) -> str:
    value = text(call, name)
    if value is None:
        raise _required(name)
    return value


def integer(call: Call, name: str, *, least: int | None = None) -> int | None:
    value = text(call, name)
    if value is None:
        return None
    if not re.fullmatch(r"-?\d+", value):
        raise NotSaved(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    if least is not None and int(value) < least:
        raise NotSaved(
            f"This value must be greater than or equal to {least}.",
            code="parameter_invalid_integer",
            param=name,
        )
    return int(value)


def required_integer(call: Call, name: str, *, least: int | None = None) -> int:
    value = integer(call, name, least=least)
    if value is None:
        raise _required(name)
    return value


def choice(call: Call, name: str, allowed: Iterable[str]) -> str | None:
    value = text(call, name)
    if value is not None and value not in allowed:
        raise NotSaved(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
    return value


def flag(call: Call, name: str) -> bool:
    return choice(call, name, ("true", "false")) == "true"


def currency(call: Call) -> str:
    value = required_text(call, "currency").lower()
    if not re.fullmatch(r"[a-z]{3}", value):
        raise NotSaved(f"Invalid currency: {value}", param="currency")
    return value


def metadata(call: Call) -> dict[str, str]:
    given = call.params.get("metadata") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise NotSaved(
            "Invalid hash: metadata has to be a set of keys and texts.", param="metadata"
        )
    if len(given) > _LIMITS["keys"]:
        raise NotSaved(f"Metadata can have up to {_LIMITS['keys']} keys.", param="metadata")
    for name, value in given.items():
        if len(name) > _LIMITS["name"] or len(value) > _LIMITS["value"]:
            raise NotSaved(
                f"Metadata names can have up to {_LIMITS['name']} characters, "
                f"values up to {_LIMITS['value']}.",
                param=f"metadata[{name}]",
            )
    return dict(given)


def texts(call: Call, name: str) -> list[str]:
    given = call.params.get(name)
    if given is None:
        return []
    if not isinstance(given, dict):
        raise NotSaved(f"Invalid array: {name}", param=name)
    return [str(value) for value in given.values()]


def created_range(call: Call) -> dict[str, int]:
    """`created=1` and `created[gte]=1` as bounds; an exact moment is a range of one second."""
    given = call.params.get("created", {})
    bounds: Obj = given if isinstance(given, dict) else {"gte": given, "lte": given}
    for name, value in bounds.items():
        if name not in {"gt", "gte", "lt", "lte"} or not str(value).isdigit():
            raise NotSaved(f"Invalid range: created[{name}]={value}", param="created")
    return {name: int(value) for name, value in bounds.items()}


def _required(name: str) -> NotSaved:
    return NotSaved(f"Missing required param: {name}.", code="parameter_missing", param=name)
