"""What the pages under Settings ask. They check shape; `backoffice.actions` has the rules."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group

from backoffice.models import User


class ReasonForm(forms.Form):
    # Not required here: the action says, in its own words, that it needs one.
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PersonForm(ReasonForm):
    first_name = forms.CharField(label="First name", max_length=150, required=False)
    last_name = forms.CharField(label="Last name", max_length=150, required=False)
    email = forms.EmailField(label="Email")

    field_order = ["username", "first_name", "last_name", "email", "password", "reason"]


class NewPersonForm(PersonForm):
    username = forms.CharField(
        label="Username",
        max_length=150,
        help_text="Short, without spaces. It cannot be changed later.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label="Initial password",
        strip=False,
        help_text="At least eight characters. They have to choose their own when they first sign in.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class JoinGroupForm(ReasonForm):
    """Which group a person joins."""

    group = forms.ModelChoiceField(Group.objects.none(), label="Group")
    field_order = ["group", "reason"]

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        groups = Group.objects.exclude(user=person).order_by("name")
        self.fields["group"].queryset = groups  # type: ignore[attr-defined]  # a ModelChoiceField


class AddMemberForm(ReasonForm):
    """Who joins a group."""

    person = forms.ModelChoiceField(User.objects.none(), label="Person")
    field_order = ["person", "reason"]

    def __init__(self, *args: Any, group: Group, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).exclude(groups=group)
        people = people.order_by("first_name", "last_name", "username")
        self.fields["person"].queryset = people  # type: ignore[attr-defined]  # as above


class SlackChannelForm(ReasonForm):
    """Where in Slack a group is asked."""

    channel = forms.CharField(
        label="Slack channel ID",
        max_length=20,
        required=False,
        help_text="For example C0123ABCDEF, at the end of the channel's details in Slack. "
        "Invite the app to the channel. Leave empty for none.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ["channel", "reason"]


class NewGroupForm(forms.Form):
    name = forms.CharField(label="Name", max_length=150)
