"""Signing in with a user name or an email address."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import Q
from django.http import HttpRequest

from backoffice.models import User


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
        "invalid_login": (
            "This name and password do not belong together. Check both; capital letters count "
            "in the password."
        ),
        "inactive": "This account is not active. Ask an administrator.",
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(request, *args, **kwargs)
        name = self.fields["username"]
        name.label = "User name or email"
        # Email addresses are longer than user names.
        name.max_length = 254  # type: ignore[attr-defined]  # a CharField
        name.widget.attrs |= {"maxlength": 254, "class": "bo-input"}
        self.fields["password"].widget.attrs["class"] = "bo-input"
