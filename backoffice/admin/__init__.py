"""The pages under Settings for people and groups. They show; what they change, actions change."""

from backoffice.admin.groups import GroupAdmin
from backoffice.admin.people import UserAdmin

__all__ = ["GroupAdmin", "UserAdmin"]
