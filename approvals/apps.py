from django.apps import AppConfig
from django.conf import settings


class ApprovalsConfig(AppConfig):
    name = "approvals"
    verbose_name = "Approvals"

    def ready(self) -> None:
        from approvals import channels, checks  # noqa: F401 - checks register themselves

        channels.load(settings.CHANNELS)
