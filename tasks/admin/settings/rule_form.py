"""What a rule says, as a form in plain words."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from approvals.requests.policy import WAITS_FOR
from tasks import parameters
from tasks.actions import RuleSpec
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


class RuleForm(forms.Form):
    """What a rule says, and why it is changed."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="Such as: Credits above 100. Approvers read it."
    )
    condition = forms.CharField(
        label="When",
        max_length=1000,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=(
            "Such as: amount > 100, or sum(amount) by requester over 24 hours + amount > 500. "
            "Write true for every run."
        ),
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label="Groups who may agree",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a group or a person, those who have been given “Approve it” are asked.",
    )
    people = forms.CharField(
        label="People who may agree",
        required=False,
        max_length=2000,
        help_text="User names or email addresses, with commas between them.",
    )
    needed = forms.IntegerField(
        label="How many of them must agree", min_value=1, max_value=MOST, initial=1
    )
    position = forms.IntegerField(
        label="Stage",
        min_value=1,
        max_value=MOST,
        initial=1,
        help_text="Rules with a lower number are asked first.",
    )
    for_settling = forms.BooleanField(
        label="Also when an uncertain run is settled",
        required=False,
        help_text=(
            "What somebody found out about an uncertain run then waits for these people, too. "
            "Neither who looked nor who asked for the run is among them."
        ),
    )
    may_serve_twice = forms.BooleanField(
        label="Who has decided another stage may agree here too",
        required=False,
        help_text="Otherwise one person decides one stage of a request.",
    )
    fresh_proof = forms.BooleanField(
        label="Who agrees proves anew who they are",
        required=False,
        help_text="With the password, a few minutes before at most, on the page of the request.",
    )
    ticket_pattern = forms.CharField(
        label="Who asks names a ticket like",
        required=False,
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="A pattern, such as ^SUP-\\d+$. Empty: no ticket is asked for.",
    )
    expires_after = SpanField(
        label="It expires after", help_text="Such as: 4 hours. Without it, after 3 days."
    )
    remind_after = SpanField(
        label="They are reminded after",
        help_text="Counted from the request, like all of these times. Once, by a notice.",
    )
    escalate_after = SpanField(
        label="It is escalated after",
        help_text="From then on the members of the groups below may decide it, too.",
    )
    escalate_to = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label="It is escalated to",
        required=False,
        help_text="Those who are members when it is asked for, and still are when they decide.",
        widget=forms.CheckboxSelectMultiple,
    )
    first_items = forms.IntegerField(
        label="The first items run, and wait for a look",
        min_value=0,
        max_value=10_000,
        required=False,
        help_text="How many, for a task that works through a list. Empty: it does not wait.",
    )
    stop_after_failures = forms.IntegerField(
        label="It pauses after so many failed items",
        min_value=0,
        max_value=10_000,
        required=False,
        help_text="An item without an answer counts as failed.",
    )
    stop_above_percent = forms.IntegerField(
        label="It pauses when more than so many percent have failed",
        min_value=0,
        max_value=99,
        required=False,
        help_text="From the 20th item on.",
    )
    stop_above_amount = forms.DecimalField(
        label="It pauses before more than this amount is done",
        min_value=0,
        max_digits=20,
        decimal_places=4,
        required=False,
        help_text="In any one currency, where the task says what its items come to.",
    )
    reason = forms.CharField(
        label="Why is this changed?", max_length=2000, help_text="It is kept in the history."
    )

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        declared: list[parameters.Parameter],
        only_tried: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.declared = declared
        self.only_tried = only_tried

    def clean_condition(self) -> str:
        """Checked here as well as by the action, so that the message stands beside the field."""
        condition: str = self.cleaned_data["condition"]
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

    def sections(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        for heading, names in SECTIONS.items():
            yield heading, [self[name] for name in names]


SAID: Final = tuple(field.name for field in fields(RuleSpec))
SECTIONS: Final = {
    "When": ("name", "condition", "for_settling", "ticket_pattern"),
    "Who must agree": (
        "groups", "people", "needed", "position", "may_serve_twice", "fresh_proof",
    ),
    "For how long": ("expires_after", "remind_after", "escalate_after", "escalate_to"),
    "Where a run over many items pauses": (
        "first_items", "stop_after_failures", "stop_above_percent", "stop_above_amount",
    ),
    "For the history": ("reason",),
}  # fmt: skip


def said_by(rule: ApprovalRule) -> dict[str, Any]:
    """What a rule says, for its form."""
    spec = RuleSpec.of(rule)
    said = {name: getattr(spec, name) for name in SAID}
    return said | {"people": ", ".join(person.get_username() for person in spec.people)}
