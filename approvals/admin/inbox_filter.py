"""Which requests of a list a person asks to see, and in which order."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.db.models import Q

from approvals.requests.inbox import Requests, Tab, with_words
from audit.admin.lists import Column, by_money

COLUMNS: Final = (
    Column("request", "Request", ["title"]),
    Column("amount", "Amount", by_money("shown"), is_number=True, largest_first=True),
    Column("by", "Requested by", ["requested_by__first_name", "requested_by__last_name"]),
    Column("requested", "Requested", ["opened_at"], largest_first=True),
    Column("status", "Status", ["status"]),
)


class InboxFilter(forms.Form):
    """Filters of the inbox, as its address holds them. The order of a list stays as it is."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "placeholder": "Task, amount, customer"}),
    )
    by = forms.CharField(
        label="Requested by",
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "placeholder": "Name or email"}),
    )

    def __init__(self, *args: Any, tab: Tab, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        if tab.key == "mine":
            del self.fields["by"]  # one person asked for all of these

    def apply(self, requests: Requests) -> Requests:
        """The requests that are asked for; none when the question makes no sense."""
        if not self.is_valid():
            return requests.none()
        requests = with_words(requests, self.cleaned_data["q"])
        for word in self.cleaned_data.get("by", "").split():
            requests = requests.filter(_asked_by(word))
        return requests

    @property
    def is_set(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.errors) or any(self.cleaned_data.values())


def _asked_by(word: str) -> Q:
    return (
        Q(requested_by__first_name__icontains=word)
        | Q(requested_by__last_name__icontains=word)
        | Q(requested_by__username__icontains=word)
        | Q(requested_by__email__icontains=word)
    )


def columns_of(tab: Tab) -> Sequence[Column]:
    """What a list of the inbox can be sorted by."""
    return [column for column in COLUMNS if tab.key != "mine" or column.key != "by"]
