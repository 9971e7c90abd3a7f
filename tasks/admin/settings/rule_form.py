"""What a rule says, as a form in plain words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.requests.policy import WAITS_FOR
from tasks import parameters
from tasks.actions import RuleSpec
from tasks.admin.settings.condition_form import CODE, ConditionEditor
from tasks.admin.settings.people import person_named
from tasks.declaration.durations import problems_of_times, read_span, written
from tasks.declaration.tickets import problem_of_pattern
from tasks.models import ApprovalRule
from tasks.rules.conditions import check_condition

if TYPE_CHECKING:
    from backoffice.models import User

MOST = 20  # people who must agree, and stages


class SpanField(forms.CharField):
    """A length of time: “4 hours”, “3 days”, or nothing."""

    def __init__(self, *, label: str, help_text: str) -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=False,
            max_length=20,
            widget=forms.TextInput({"autocomplete": "off"}),
        )

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 -- what was typed, or the time
        """The time as it is written."""
        return written(value) if isinstance(value, timedelta) else value

    def clean(self, value: Any) -> timedelta | None:  # noqa: ANN401 -- what was typed
        """The time. Raises ValidationError."""
        text = super().clean(value)
        try:
            return read_span(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from error


class TotalField(forms.DecimalField):
    """A total in any currency."""

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 -- what was typed, or the total
        """The total without the zeros that the database adds."""
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class RuleForm(forms.Form):
    """What a rule says, and why it is changed."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="For example: Credits above 100. Reviewers see it."
    )
    condition = forms.CharField(
        label="Condition",
        max_length=1000,
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label="Approver groups",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Leave groups and people empty to let everybody with “Can approve” decide.",
    )
    people = forms.CharField(
        label="Reviewers",
        required=False,
        max_length=2000,
        help_text="Usernames or email addresses, separated by commas.",
    )
    needed = forms.IntegerField(label="Approvals needed", min_value=1, max_value=MOST, initial=1)
    position = forms.IntegerField(
        label="Stage",
        min_value=1,
        max_value=MOST,
        initial=1,
        help_text="Stages with lower numbers come first.",
    )
    for_resolving = forms.BooleanField(
        label="Also require approval to resolve an unknown outcome",
        required=False,
        help_text=(
            "The proposed resolution of a run then needs approval from these people, too. "
            "The person who investigated and the requester cannot approve it."
        ),
    )
    may_serve_twice = forms.BooleanField(
        label="Allow the same reviewer in several stages",
        required=False,
        help_text="Otherwise one person can decide only one stage of a request.",
    )
    fresh_proof = forms.BooleanField(
        label="Require password to approve",
        required=False,
        help_text="Reviewers confirm their password on the page of the request.",
    )
    ticket_pattern = forms.CharField(
        label="Ticket format",
        required=False,
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="A regular expression, for example ^SUP-\\d+$. Empty: no ticket is needed.",
    )
    expires_after = SpanField(
        label="Expires after", help_text="For example: 4 hours. Default: 3 days."
    )
    remind_after = SpanField(
        label="Send a reminder after",
        help_text="Counted from the request, like all of these times. Sent once.",
    )
    escalate_after = SpanField(
        label="Escalate after",
        help_text="From then on, members of the groups below can decide it too.",
    )
    escalate_to = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label="Escalate to",
        required=False,
        help_text="Members at the time of the request, who still are when they decide.",
        widget=forms.CheckboxSelectMultiple,
    )
    first_items = forms.IntegerField(
        label="Pause for review after the first items",
        min_value=0,
        max_value=10_000,
        required=False,
        help_text="Number of items, for bulk runs. Leave empty for no pause.",
    )
    stop_after_failures = forms.IntegerField(
        label="Pause after failed items",
        min_value=0,
        max_value=10_000,
        required=False,
        help_text="An item without an answer counts as failed.",
    )
    stop_above_percent = forms.IntegerField(
        label="Pause when failures exceed (%)",
        min_value=0,
        max_value=99,
        required=False,
        help_text="Applies from the 20th item.",
    )
    stop_above_amount = TotalField(
        label="Pause before the total exceeds",
        min_value=0,
        max_digits=20,
        decimal_places=2,  # “1.250” may be meant as 1250
        required=False,
        help_text="In any one currency, if the task reports amounts.",
    )
    reason = forms.CharField(
        label="Reason for the change", max_length=2000, help_text="Kept in the audit log."
    )

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        declared: list[parameters.Parameter],
        editor: ConditionEditor,
        only_tried: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.declared = declared
        self.editor = editor
        self.only_tried = only_tried
        self.fields["condition"].required = editor.mode == CODE

    def clean_condition(self) -> str:
        """Checked here as well as by the action, so that the message stands beside the field."""
        condition = self.editor.text()
        check_condition(condition, self.declared)
        return condition

    def clean_first_items(self) -> int:
        """None is zero."""
        return self.cleaned_data["first_items"] or 0

    def clean_stop_after_failures(self) -> int:
        """None is zero."""
        return self.cleaned_data["stop_after_failures"] or 0

    def clean_stop_above_percent(self) -> int:
        """None is zero."""
        return self.cleaned_data["stop_above_percent"] or 0

    def clean_ticket_pattern(self) -> str:
        """A pattern that can be used."""
        pattern: str = self.cleaned_data["ticket_pattern"]
        if problem := problem_of_pattern(pattern):
            raise ValidationError(problem)
        return pattern

    def clean_people(self) -> "list[User]":
        """The people named."""
        names = [
            name
            for part in re.split(r"[,;\n]", self.cleaned_data["people"])
            if (name := part.strip())
        ]
        return [person_named(name) for name in dict.fromkeys(names)]

    def clean(self) -> dict[str, Any]:
        """Times that fit together; and no reason where nothing is saved."""
        values = super().clean() or self.cleaned_data
        if self.only_tried:
            self.errors.pop("reason", None)
        if not self.errors:
            found = problems_of_times(
                self.spec(), default=WAITS_FOR, escalates=bool(values["escalate_to"])
            )
            for name, problem in found:
                self.add_error(name, problem)
        return values

    def spec(self) -> RuleSpec:
        """The valid form's answer."""
        values = {name: self.cleaned_data[name] for name in SAID}
        values |= {name: list(values[name]) for name in ("groups", "escalate_to")}
        return RuleSpec(**values)

    def sections(self) -> Iterator["Section"]:
        """The fields under their headings, but for the condition."""
        for heading, names in SECTIONS.items():
            yield Section(heading, [self[name] for name in names], heading in FOLDED)


@dataclass(frozen=True)
class Section:
    """Fields under a heading. A folded one is open only where it says something, or is wrong."""

    heading: str
    fields: list[forms.BoundField]
    is_folded: bool

    @property
    def how_many(self) -> int:
        """How many of its fields say something else than usual."""
        return sum(field.value() not in (*_NOTHING, field.field.initial) for field in self.fields)

    @property
    def is_open(self) -> bool:
        """Whether it is unfolded when the page opens."""
        return bool(self.how_many) or any(field.errors for field in self.fields)


_NOTHING: Final[tuple[object, ...]] = (None, "", 0, "0", "1", False, [])
SAID: Final = tuple(field.name for field in fields(RuleSpec))
CHECKPOINTS: Final = "Checkpoints for bulk runs"
SECTIONS: Final = {
    "Reviewers": ("groups", "people", "needed"),
    "More about the approval": (
        "position", "may_serve_twice", "fresh_proof", "ticket_pattern", "for_resolving",
    ),
    "Time limits": ("expires_after", "remind_after", "escalate_after", "escalate_to"),
    CHECKPOINTS: (
        "first_items", "stop_after_failures", "stop_above_percent", "stop_above_amount",
    ),
    "Audit log": ("reason",),
}  # fmt: skip
FOLDED: Final = ("More about the approval", "Time limits", CHECKPOINTS)


def said_by(rule: ApprovalRule) -> dict[str, Any]:
    """What a rule says, for its form."""
    spec = RuleSpec.of(rule)
    said = {name: getattr(spec, name) for name in SAID}
    return said | {"people": ", ".join(person.get_username() for person in spec.people)}
