"""What the pages of the Audit section ask."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

if TYPE_CHECKING:
    from backoffice.models import User


EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)


class DayField(forms.DateField):
    """A day of which the day after exists, too, in every time zone."""

    def validate(self, value: Any) -> None:  # noqa: ANN401 - as in the class above
        """Raises ValidationError."""
        super().validate(value)
        if value is not None and not EARLIEST <= value <= LATEST:
            raise ValidationError(f"Choose a day between {EARLIEST:%Y} and {LATEST:%Y}.", "day")


class Range(TypedDict, total=False):
    person: "User | None"
    since: datetime | None
    until: datetime | None


class HistoryFilter(forms.Form):
    """Whose changes, and from which days. Days are those of the local zone, both included."""

    person = forms.CharField(
        label="Person",
        required=False,
        max_length=254,
        help_text="Username or email address.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    since = DayField(
        label="From", required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    until = DayField(
        label="To", required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )

    def clean_person(self) -> "User | None":
        name = self.cleaned_data["person"]
        if not name:
            return None
        people = get_user_model()._base_manager
        found = people.filter(Q(username__iexact=name) | Q(email__iexact=name)).first()
        if found is None:
            raise ValidationError(
                f"No person has the username or email address “{name}”. Check the spelling."
            )
        return found

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            raise ValidationError("“From” is later than “To”. Swap the two dates.")
        return values

    def range(self) -> Range:
        """The valid form's answer, with `until` as the moment at which the last day is over."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return {
            "person": self.cleaned_data["person"],
            "since": _midnight(since) if since else None,
            "until": _midnight(until + timedelta(days=1)) if until else None,
        }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
