"""Django's command; and who gets a password from the server chooses another at the next sign-in."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword

from audit.context import Door
from backoffice.actions import require_new_password
from backoffice.models import User


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:  # noqa: ANN401
        said = super().handle(*args, **options)
        person = User.objects.get_by_natural_key(options["username"] or getpass.getuser())
        require_new_password(person.pk, door=Door.COMMAND, reason="Password set from the server")
        return said
