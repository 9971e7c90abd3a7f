from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "People"


class BackofficeAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with our site in place of the stock one."""

    default = False
    default_site = "backoffice.site.BackofficeSite"
