"""Who may do what with a task: one row for each group and person, one level in each row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from audit.context import Door
from audit.transitions import Refusal
from tasks.access.rights import Right
from tasks.actions import propose_grant, revoke
from tasks.actions.changes.grants import held
from tasks.admin.settings.people import person_named
from tasks.models import ProposedChange, Task

if TYPE_CHECKING:
    from backoffice.models import User

NONE: Final = ""
LEVELS: Final = [(NONE, "No permission"), *((right.name.lower(), right.label) for right in Right)]


@dataclass(frozen=True, slots=True)
class Row:
    """One group or person, and the right they hold."""

    holder: "Group | User"
    level: str

    @property
    def kind(self) -> str:
        """Whether it is a group or a person."""
        return "group" if isinstance(self.holder, Group) else "person"

    @property
    def key(self) -> str:
        """Its name in the form."""
        return f"{self.kind}-{self.holder.pk}"


def rows_of(task: Task) -> list[Row]:
    """Every group, and those people who hold something themselves. Three queries."""
    by_group = _highest((g.group_id, g.permission.codename) for g in _held(task.group_grants))
    by_person = _highest((g.user_id, g.permission.codename) for g in _held(task.user_grants))
    people = get_user_model().objects.filter(pk__in=by_person).order_by("first_name", "username")
    return [
        *(Row(group, by_group.get(group.pk, NONE)) for group in Group.objects.order_by("name")),
        *(Row(person, by_person[person.pk]) for person in people),
    ]


def _held(grants: Any) -> Any:  # noqa: ANN401 - a manager of either kind of grant
    return grants.select_related("permission")


def _highest(held: Iterator[tuple[int, str]]) -> dict[int, str]:
    found: dict[int, Right] = {}
    for holder, codename in held:
        found[holder] = max(Right.of(codename), found.get(holder, Right.VIEW))
    return {holder: right.name.lower() for holder, right in found.items()}


class GrantsForm(forms.Form):
    """The whole matrix, somebody to add, and one reason for what is changed."""

    person = forms.CharField(
        label="Add a person",
        required=False,
        max_length=254,
        help_text="A username or an email address.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    person_level = forms.ChoiceField(label="Permission", required=False, choices=LEVELS)
    reason = forms.CharField(
        label="Reason for the change", max_length=2000, help_text="Kept in the audit log."
    )

    def __init__(self, *args: Any, rows: Sequence[Row], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.rows = rows
        for row in rows:
            self.fields[row.key] = forms.ChoiceField(
                label=str(row.holder), choices=LEVELS, required=False, initial=row.level
            )
            # What the page showed: somebody else's change meanwhile is not undone by accident.
            self.fields[f"{row.key}-was"] = forms.CharField(
                required=False, initial=row.level, widget=forms.HiddenInput
            )

    def matrix(self) -> Iterator[tuple[Row, forms.BoundField, forms.BoundField]]:
        """Each row with its two controls."""
        for row in self.rows:
            yield row, self[row.key], self[f"{row.key}-was"]

    def clean_person(self) -> "User | None":
        """The person to add."""
        name = self.cleaned_data["person"]
        return person_named(name) if name else None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("person") and not values.get("person_level"):
            self.add_error("person", "Choose a permission for this person.")
        for row in self.rows:
            wanted, was = values.get(row.key), values.get(f"{row.key}-was")
            if wanted != was and was != row.level:
                self.add_error(
                    row.key, "Somebody else changed this. Check the list and choose again."
                )
        return values

    def changes(self) -> list[tuple["Group | User", Right | None]]:
        """What is to be given to whom; None takes everything away."""
        values = self.cleaned_data
        changed = [row for row in self.rows if values[row.key] != values[f"{row.key}-was"]]
        # A person who gives up administering the task does so last, or could not do the rest.
        changed.sort(key=lambda row: row.level == "change")
        found = [(row.holder, _right(values[row.key])) for row in changed]
        if values["person"]:
            found.insert(0, (values["person"], _right(values["person_level"])))
        return found


@dataclass
class Changed:
    """What became of what a form asked for: each change stands alone."""

    made: int = 0
    waiting: list[ProposedChange] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def apply(task: Task, form: GrantsForm, *, by: "User") -> Changed:
    """Take what the valid form takes, and propose what it gives."""
    found = Changed()
    for holder, right in form.changes():
        try:
            proposed_change = _change(
                task, holder, right, by=by, reason=form.cleaned_data["reason"]
            )
        except (Refusal, ValidationError) as refused:
            words = refused.messages if isinstance(refused, ValidationError) else [str(refused)]
            found.refused.append(f"{holder}: {' '.join(words)}")
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
