"""What every task is asked for beside its own parameters."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from audit.admin.pages import person_of
from tasks.declaration.tickets import LONGEST
from tasks.models import Task
from tasks.rules.reviewers import Candidates, candidates

if TYPE_CHECKING:
    from tasks.rules.reviewers import Pick

# A parameter is a name of Python, and so never holds a hyphen: the names of our own fields do.
OURS = "run"


class RequestForm(forms.Form):
    """Why, and whom to ask. `of` are those who can be asked; one alone is no choice."""

    prefix = OURS

    reason = forms.CharField(
        label="Reason",
        required=False,
        strip=True,
        max_length=2000,
        help_text="Visible to reviewers and in the audit log.",
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )
    ticket = forms.CharField(
        label="Ticket",
        required=False,
        max_length=LONGEST,
        help_text="The ticket number. Reviewers see it too.",
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
    )
    reviewers = forms.MultipleChoiceField(
        label="Reviewers",
        required=False,
        help_text="Only the reviewers you select are notified. Select nobody to notify all of them.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "One of these people can no longer approve this. Choose again."
        },
    )
    nonce = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    again = forms.UUIDField(required=False, widget=forms.HiddenInput)
    undo = forms.UUIDField(required=False, widget=forms.HiddenInput)
    revise = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, of: Candidates, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.of = of
        if len(of.people) > 1:
            self.fields["reviewers"].choices = of.choices()  # type: ignore[attr-defined]
        else:
            del self.fields["reviewers"]

    def picked(self) -> "list[Pick]":
        """The people and groups that were ticked."""
        return self.of.picked(self.cleaned_data.get("reviewers", ()))


def request_form(request: HttpRequest, task: Task, **initial: Any) -> RequestForm:  # noqa: ANN401
    """The form as it was sent, now or before the session ended, or with these values at first."""
    sent = request.POST if request.method == "POST" else initial.pop("unsent", None)
    return RequestForm(sent, of=candidates(task, person_of(request)), initial=initial)
