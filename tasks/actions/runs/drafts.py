"""What somebody is about to request: the key it excludes others by, then its values and preview.

The key comes first. It is held before anything is checked, so that what is checked here still holds
when the run is written: a like run has ended by then, or is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.forms import Form

from audit.transitions import Refusal
from tasks import parameters
from tasks.access.rights import NotGranted
from tasks.declaration.errors import Refused
from tasks.declaration.registry import RegisteredTask, UnknownTask, registry
from tasks.declaration.texts import cut, said
from tasks.models import Task
from tasks.runs.concurrency import hold, key_of, refuse_second, try_hold
from tasks.runs.previews import PreviewFailed, rows_of
from tasks.secrets import storage

if TYPE_CHECKING:
    from backoffice.models import User


class InvalidValues(Exception):
    """The values break the task's rules. `form` holds them with a message beside each field."""

    def __init__(self, form: Form) -> None:
        super().__init__(form.errors.as_text())
        self.form = form


class RequestedByOthers(Refusal):
    """Two requests that cross: each holds what the other one needs."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody else is requesting something about the same right now. Try again."
        )


@dataclass(frozen=True)
class Sent:
    """What a person sends in for a task. `fixed` holds the values that they cannot change."""

    person: "User"
    values: Mapping[str, Any]
    files: Mapping[str, Any] | None
    fixed: Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """A run that nobody has asked for yet: its parameters, and what it would change."""

    registered: RegisteredTask
    form: Form
    frozen: dict[str, Any]
    preview: list[list[str]]
    groupings: dict[str, str]
    key: str


def draft_of(task: Task, sent: Sent) -> Draft:
    """Check what was sent, and make its preview, while nobody else decides about the same thing.

    Raises `InvalidValues`, `Taken` where a like run is open and only one may be, and
    `RequestedByOthers`.
    """
    registered = code_of(task)
    key = _key_of_what_was_sent(registered, sent)
    _exclude_others(key, registered)
    form = _valid(registered, sent)
    if (now := _key(registered, form)) != key:  # it hangs on what was read a moment too early
        if key and now and not try_hold(now):  # who holds it may wait for the first
            raise RequestedByOthers
        _exclude_others(now, registered)
        form = _valid(registered, sent)
    return _frozen(registered, form, now)


def _exclude_others(key: str, registered: RegisteredTask) -> None:
    if key:
        hold(key)
        refuse_second(key, registered)


def code_of(task: Task) -> RegisteredTask:
    """The code behind a task that is open. Raises `NotGranted` when there is none."""
    try:
        if task.retired_at is None:
            return registry.get(task.slug)
    except UnknownTask:
        pass
    raise NotGranted(f"“{task}” is retired and can no longer be run.")


def _key_of_what_was_sent(registered: RegisteredTask, sent: Sent) -> str:
    """The key, from the parameters that make it up. Empty where one of them is wrong.

    And where one is looked up: for that all the others are needed.
    """
    declared = _with_what_they_hang_on(registered)
    if not declared or any(parameters.is_looked_up(p) for p in declared):
        return ""
    names = {p.name for p in declared}
    form = _form(declared, sent, fixed={n: v for n, v in sent.fixed.items() if n in names})
    return _key(registered, form) if form.is_valid() else ""


def _key(registered: RegisteredTask, form: parameters.ParameterForm) -> str:
    named = [p for p in form.parameters if p.name in registered.exclusive]
    return key_of(
        registered, parameters.freeze(named, form.cleaned_data, store_file=lambda file: None)
    )


def _with_what_they_hang_on(registered: RegisteredTask) -> list[parameters.Parameter]:
    """The parameters of the key, and those whose answers say whether they are asked at all."""
    names, found = set(registered.exclusive), []
    for parameter in reversed(parameters.read(registered.function)):
        if parameter.name in names:
            names |= parameter.param.only_if.keys()
            found.append(parameter)
    return found[::-1]


def _valid(registered: RegisteredTask, sent: Sent) -> parameters.ParameterForm:
    declared = parameters.read(registered.function)
    form = _form(declared, sent, fixed=sent.fixed, validate=registered.validate)
    if not form.is_valid():
        raise InvalidValues(form)
    return form


def _frozen(registered: RegisteredTask, form: parameters.ParameterForm, key: str) -> Draft:
    declared, typed = parameters.read(registered.function), form.cleaned_data
    frozen = parameters.freeze(
        declared, typed, store_secret=storage.store_secret, store_file=storage.store_file
    )
    preview = _preview(registered, form)
    try:
        groupings = parameters.groupings(declared, typed, frozen)
        frozen = parameters.with_facts(declared, typed, frozen)
    except (parameters.AuthorsFault, ValidationError) as error:
        form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        raise InvalidValues(form) from error
    return Draft(registered, form, frozen, preview, groupings, key)


def _form(
    declared: list[parameters.Parameter],
    sent: Sent,
    *,
    fixed: Mapping[str, Any],
    validate: Any = None,  # noqa: ANN401 - the function of an author, or none
) -> parameters.ParameterForm:
    return parameters.form_for(
        declared,
        person=sent.person,
        data=sent.values,
        files=sent.files,
        validate=validate,
        locked=fixed,
    )


def _preview(registered: RegisteredTask, form: Form) -> list[list[str]]:
    try:
        return rows_of(registered, form.cleaned_data)
    except (Refused, ValidationError, PreviewFailed) as error:
        form.add_error(None, error if isinstance(error, ValidationError) else cut(said(error)))
        raise InvalidValues(form) from error
