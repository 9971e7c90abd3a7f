"""Which runs a person asks to see, and in which order."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from audit.admin.forms import DayField
from audit.admin.lists import Column, by_money
from tasks.access.rights import Right, tasks_for
from tasks.models import Run
from tasks.runs.search import found_by

if TYPE_CHECKING:
    from backoffice.models import User

EVERY = ("", "All")
COLUMNS: Final = (
    Column("run", "Run", ["headline"]),
    Column("amount", "Amount", by_money("values"), is_number=True, largest_first=True),
    Column("status", "Status", ["status"]),
    Column("by", "Requested by", ["requested_by__first_name", "requested_by__last_name"]),
    Column("requested", "Requested", ["requested_at"], largest_first=True),
    Column(
        "duration",
        "Duration",
        [Coalesce("finished_at", Now()) - F("started_at")],
        is_number=True,
        largest_first=True,
    ),
)


class RunFilter(forms.Form):
    """Filters of the list, as its address holds them. Days are those of the local zone."""

    q = forms.CharField(
        label="Search", required=False, max_length=200, widget=forms.TextInput({"type": "search"})
    )
    status = forms.ChoiceField(label="Status", required=False, choices=[EVERY, *Run.Status.choices])
    task = forms.ChoiceField(label="Task", required=False)
    since = DayField(
        label="From", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    until = DayField(
        label="To", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    mine = forms.BooleanField(label="Only my runs", required=False)

    def __init__(self, *args: Any, person: "User", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.person = person
        tasks = tasks_for(person, Right.VIEW).values_list("slug", "name")
        self.fields["task"].choices = [EVERY, *tasks]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            raise ValidationError("“From” is later than “To”. Swap the two dates.")
        return values

    def apply(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        """The runs that are asked for, newest first; none when the question makes no sense."""
        if not self.is_valid():
            return runs.none()
        asked = self.cleaned_data
        if asked["mine"]:
            runs = runs.filter(requested_by=self.person)
        if asked["until"]:
            runs = runs.filter(requested_at__lt=_midnight(asked["until"] + timedelta(days=1)))
        if asked["since"]:
            runs = runs.filter(requested_at__gte=_midnight(asked["since"]))
        wanted = {
            "status": asked["status"],
            "task__slug": asked["task"],
        }
        runs = runs.filter(**{name: value for name, value in wanted.items() if value})
        runs = found_by(runs, asked["q"])
        return runs.order_by("-requested_at", "-id")

    @property
    def is_set(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.errors) or any(self.cleaned_data.values())

    def asked(self) -> dict[str, str]:
        """The filters that are set, for the record."""
        return {n: str(v) for n, v in self.cleaned_data.items() if v} if self.is_valid() else {}


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
