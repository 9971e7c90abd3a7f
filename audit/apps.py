from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        from audit import sign_in
        from audit.database import prepared

        prepared.listen()
        sign_in.listen()
