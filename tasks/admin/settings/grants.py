"""Who may do what with a task: one row for each group and person, or for each task of one of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from audit.context import Door
from audit.transitions import Refusal
from tasks.access.holders import of_groups, of_people
from tasks.access.rights import Right
from tasks.actions import propose_grant, revoke
from tasks.actions.changes.grants import held
from tasks.admin.settings.people import person_named
from tasks.admin.settings.proposed_changes import say
from tasks.models import ProposedChange, Task

if TYPE_CHECKING:
    from backoffice.models import User

type Change = tuple[Task, "Group | User", Right | None]

NONE: Final = ""
LEVELS: Final = [(NONE, "No permission"), *((right.name.lower(), right.label) for right in Right)]


@dataclass(frozen=True, slots=True)
class Row:
    """One task and one holder, a group or a person, and the right that is held."""

    task: Task
    holder: "Group | User"
    level: str

    @property
    def kind(self) -> str:
        """Whether the holder is a group or a person."""
        return "group" if isinstance(self.holder, Group) else "person"

    @property
    def label(self) -> str:
        """The level in words. Empty for none."""
        return Right[self.level.upper()].label if self.level else ""


def rows_of(task: Task) -> list[Row]:
    """Every group, and those people who hold something themselves. Three queries."""
    by_group, by_person = of_groups([task]), of_people([task])
    people = get_user_model().objects.filter(pk__in={pk for _, pk in by_person})
    return [
        *(_row(task, each, by_group) for each in Group.objects.order_by("name")),
        *(_row(task, each, by_person) for each in people.order_by("first_name", "username")),
    ]


def _row(task: Task, holder: "Group | User", held: Mapping[tuple[int, int], Right]) -> Row:
    right = held.get((task.pk, holder.pk))
    return Row(task, holder, right.name.lower() if right else NONE)


class LevelsForm(forms.Form):
    """One level for each row, and one reason for what is changed."""

    reason = forms.CharField(
        label="Reason for the change", max_length=2000, help_text="Kept in the audit log."
    )

    def __init__(self, *args: Any, rows: Sequence[Row], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.rows = rows
        for row in rows:
            key = self.key(row)
            self.fields[key] = forms.ChoiceField(
                label=self.label(row), choices=LEVELS, required=False, initial=row.level
            )
            # What the page showed: somebody else's change meanwhile is not undone by accident.
            self.fields[f"{key}-was"] = forms.CharField(
                required=False, initial=row.level, widget=forms.HiddenInput
            )

    def key(self, row: Row) -> str:
        """Its name in the form."""
        raise NotImplementedError

    def label(self, row: Row) -> str:
        raise NotImplementedError

    def matrix(self) -> Iterator[tuple[Row, forms.BoundField, forms.BoundField]]:
        """Each row with its two controls."""
        for row in self.rows:
            yield row, self[self.key(row)], self[f"{self.key(row)}-was"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for row in self.rows:
            key = self.key(row)
            wanted, was = values.get(key), values.get(f"{key}-was")
            if wanted != was and was != row.level:
                self.add_error(key, "Somebody else changed this. Check the list and choose again.")
        return values

    def changes(self) -> list[Change]:
        """What is to be given to whom; None takes everything away."""
        values = self.cleaned_data
        keys = [(row, self.key(row)) for row in self.rows]
        changed = [(row, key) for row, key in keys if values[key] != values[f"{key}-was"]]
        # A person who gives up administering the task does so last, or could not do the rest.
        changed.sort(key=lambda pair: pair[0].level == "change")
        return [(row.task, row.holder, _right(values[key])) for row, key in changed]


class GrantsForm(LevelsForm):
    """The matrix of one task, and somebody to add."""

    person = forms.CharField(
        label="Add a person",
        required=False,
        max_length=254,
        help_text="A username or an email address.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    person_level = forms.ChoiceField(label="Permission", required=False, choices=LEVELS)

    def __init__(self, *args: Any, task: Task, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, rows=rows_of(task), **kwargs)
        self.task = task

    def key(self, row: Row) -> str:
        return f"{row.kind}-{row.holder.pk}"

    def label(self, row: Row) -> str:
        return str(row.holder)

    def clean_person(self) -> "User | None":
        """The person to add."""
        name = self.cleaned_data["person"]
        return person_named(name) if name else None

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if values.get("person") and not values.get("person_level"):
            self.add_error("person", "Choose a permission for this person.")
        return values

    def changes(self) -> list[Change]:
        found, values = super().changes(), self.cleaned_data
        if values["person"]:
            found.insert(0, (self.task, values["person"], _right(values["person_level"])))
        return found


@dataclass
class Changed:
    """What became of what a form asked for: each change stands alone."""

    made: int = 0
    waiting: list[ProposedChange] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def apply(form: LevelsForm, *, by: "User") -> Changed:
    """Take what the valid form takes, and propose what it gives."""
    found = Changed()
    for task, holder, right in form.changes():
        try:
            proposed_change = _change(
                task, holder, right, by=by, reason=form.cleaned_data["reason"]
            )
        except (Refusal, ValidationError) as refused:
            words = refused.messages if isinstance(refused, ValidationError) else [str(refused)]
            found.refused.append(f"{holder}, “{task}”: {' '.join(words)}")
        else:
            if proposed_change is None or proposed_change.applied_at:
                found.made += 1
            else:
                found.waiting.append(proposed_change)
    return found


def _change(
    task: Task, holder: "Group | User", right: Right | None, *, by: "User", reason: str
) -> ProposedChange | None:
    had = held(task, holder)
    if right is not None and (had is None or right > had):
        return propose_grant(task, right, to=holder, by=by, door=Door.ADMIN, reason=reason)
    revoke(task, of=holder, by=by, door=Door.ADMIN, reason=reason, leaves=right)
    return None


def _right(level: str) -> Right | None:
    return Right[level.upper()] if level else None


def say_changed(request: HttpRequest, changed: Changed) -> None:
    """Tell the person what became of it."""
    if changed.made:
        messages.success(request, "Permissions saved. They take effect now.")
    for proposed_change in changed.waiting:
        say(request, proposed_change, made="")
    for why in changed.refused:
        messages.error(request, why)
    if not (changed.made or changed.waiting or changed.refused):
        messages.info(request, "Nothing to save: change a permission first.")
