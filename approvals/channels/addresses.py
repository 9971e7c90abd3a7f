"""Where the pages are that messages lead to."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import NoReverseMatch, reverse


def path_of(subject_type: str, subject_id: str) -> str:
    """The page of what something is about; the list of notices where it has none."""
    if subject_type == get_user_model()._meta.label_lower:
        # Administrators alone see the pages of people.
        return reverse("admin:approvals_notifications")
    page = f"admin:{subject_type.replace('.', '_')}_change"
    try:
        return reverse(page, args=[subject_id])
    except NoReverseMatch:
        # It has no page in this version.
        return reverse("admin:approvals_notifications")


def page_of(subject_type: str, subject_id: str) -> str:
    """The same with the site's address in front, for readers outside."""
    return f"{settings.SITE_URL}{path_of(subject_type, subject_id)}"


def absolute(name: str, *args: str) -> str:
    """A page by its name, with the site's address in front."""
    return f"{settings.SITE_URL}{reverse(name, args=args)}"
