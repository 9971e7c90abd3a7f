"""Signing in with a user name or an email address, and changing one's own password."""

from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest

from approvals.actions import is_own_password
from approvals.requests.proofs import NotProved
from audit.context import Door
from backoffice.actions import change_own_password
from backoffice.models import User

LABELS: Final = {
    "old_password": "Current password",
    "new_password1": "New password",
    "new_password2": "New password again",
}


class NameOrEmailBackend(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> User | None:
        """The active person of this user name or email address, if the password is theirs."""
        if not username or password is None:
            return None
        for person in User.objects.filter(Q(username__iexact=username) | Q(email__iexact=username)):
            if person.check_password(password) and self.user_can_authenticate(person):
                return person
        if not User.objects.filter(Q(username__iexact=username) | Q(email__iexact=username)):
            User().set_password(password)  # as slow as a wrong password for a name that exists
        return None


class SignInForm(AuthenticationForm):
    """For every active person; being “staff” plays no part here."""

    error_messages = {
        "invalid_login": "Incorrect username or password. Passwords are case-sensitive.",
        "inactive": "This account is deactivated. Contact an administrator.",
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(request, *args, **kwargs)
        name = self.fields["username"]
        name.label = "Username or email"
        # Email addresses are longer than user names.
        name.max_length = 254  # type: ignore[attr-defined]  # a CharField
        name.widget.attrs |= {"maxlength": 254, "class": "bo-input"}
        self.fields["password"].widget.attrs["class"] = "bo-input"


class OwnPasswordForm(PasswordChangeForm):
    """Django's form, in our words."""

    error_messages = {
        "password_incorrect": "This is not your current password. Enter it again.",
        "password_mismatch": "This is not the same as the new password above. Enter it again.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        for name, label in LABELS.items():
            self.fields[name].label = label
        new, again = self.fields["new_password1"], self.fields["new_password2"]
        new.help_text = "At least eight characters: no common password, and not only digits."
        again.help_text = ""

    def clean(self) -> dict[str, Any] | None:
        """The new one is another: who chose the present one may be somebody else."""
        cleaned = super().clean()
        if cleaned and cleaned.get("old_password", "") == cleaned.get("new_password1"):
            self.add_error("new_password1", "This is your current password. Choose another.")
        return cleaned

    def save(self, commit: bool = True) -> User:
        return change_own_password(self.user, self.cleaned_data["new_password1"], door=Door.ADMIN)

    def clean_old_password(self) -> str:
        """As many tries as for a proof: a stolen session is no place to guess the password at."""
        typed: str = self.cleaned_data["old_password"]
        try:
            if not is_own_password(self.user, typed, door=Door.ADMIN):
                raise ValidationError(self.error_messages["password_incorrect"])
        except NotProved as refusal:
            raise ValidationError(str(refusal)) from refusal
        return typed
