"""What look-ups can read: the file lookup.sql of each app, applied after each migration."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connections
from psycopg import sql

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

FILE: Final = "lookup.sql"
# Functions can be called by everybody who is not kept from it, and look-ups call none of ours.
_OWN_FUNCTIONS: Final = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
    WHERE p.proowner = current_user::regrole AND p.pronamespace = 'public'::regnamespace
      AND p.prokind = 'f' AND has_function_privilege(%s, p.oid, 'EXECUTE')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def after_migrate(*, using: str, **_: Any) -> None:  # noqa: ANN401 - of the signal
    """Receiver of post_migrate. Does nothing where there is no role for look-ups."""
    connection = connections[using]
    if not _has_role(connection, settings.DATABASE_LOOKUP_ROLE):
        return
    _keep_functions(connection)
    for app in apps.get_app_configs():
        path = Path(app.path) / FILE
        if path.is_file():
            with connection.cursor() as cursor:
                cursor.execute(path.read_text(encoding="utf-8"))


def _has_role(connection: "BaseDatabaseWrapper", name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        return cursor.fetchone() is not None


def _keep_functions(connection: "BaseDatabaseWrapper") -> None:
    """Take the functions of this database away from look-ups, and leave them to the application."""
    app = settings.DATABASE_APP_ROLE
    if not _has_role(connection, app):
        return
    with connection.cursor() as cursor:
        cursor.execute(_OWN_FUNCTIONS, [settings.DATABASE_LOOKUP_ROLE])
        for (function,) in cursor.fetchall():
            name = sql.SQL(function)  # as PostgreSQL has written and quoted it
            cursor.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(name, sql.Identifier(app))
            )
            cursor.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(name))
