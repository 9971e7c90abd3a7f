"""People as an administrator types them."""

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q

if TYPE_CHECKING:
    from backoffice.models import User


def person_named(name: str) -> "User":
    """The active person of this user name or email address. Raises ValidationError for nobody."""
    people = get_user_model().objects.filter(is_active=True)
    found = people.filter(Q(username__iexact=name) | Q(email__iexact=name)).first()
    if found is None:
        raise ValidationError(f"No active person has the username or email address “{name}”.")
    return found
