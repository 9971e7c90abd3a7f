"""The three database roles and the database.

The owner has the tables and migrates them. The application (web and worker) reads and writes rows,
owns nothing and so cannot take the triggers off the history. Look-ups only read, and only what
somebody grants. Everything here may be repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import Connection, sql

from backoffice.progress import Refused

DATABASE = "backoffice"
OWNER, APP, LOOKUP = "backoffice_owner", "backoffice_app", "backoffice_lookup"
ROLES = (OWNER, APP, LOOKUP)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where web and worker, and where migrations, find the database."""

    app: str
    owner: str
    lookup: str = ""  # where one login serves for everything, there is none

    def environment(self) -> dict[str, str]:
        found = {"DATABASE_URL": self.app, "DATABASE_OWNER_URL": self.owner}
        return found | ({"LOOKUP_DATABASES": f"lookup={self.lookup}"} if self.lookup else {})


def existing_roles(connection: Connection) -> set[str]:
    found = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)]
    )
    return {name for (name,) in found}


def make_roles(connection: Connection, passwords: Mapping[str, str] | None = None) -> None:
    """Without passwords for a server that trusts its socket; with them, they are set each time."""
    there = existing_roles(connection)
    for role in ROLES:
        if role not in there:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if passwords:
            _set_password(connection, role, passwords[role])
    lookup = sql.Identifier(LOOKUP)
    for change in (
        "NOINHERIT",
        "SET default_transaction_read_only = on",
        "SET statement_timeout = '15s'",
    ):
        connection.execute(sql.SQL("ALTER ROLE {} {}").format(lookup, sql.SQL(change)))


def _set_password(connection: Connection, role: str, password: str) -> None:
    # Scrambled here, so that the server's log of statements does not get to see it.
    scrambled = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(scrambled)))


def may_provision(connection: Connection) -> bool:
    """Whether this login can make roles and databases."""
    row = connection.execute(
        "SELECT rolsuper OR (rolcreaterole AND rolcreatedb) FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def become_able_to_give_to_owner(connection: Connection) -> None:
    """Only a member of the owner's role may give it a database; a superuser need not be one."""
    if not _is_superuser(connection):
        grant = sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(OWNER))
        connection.execute(grant)


def _is_superuser(connection: Connection) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"


def database_owner(connection: Connection, name: str) -> str | None:
    row = connection.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    return str(row[0]) if row else None


def make_database(connection: Connection, name: str = DATABASE) -> bool:
    """True when it was not there before. The connection is in autocommit mode."""
    if database_owner(connection, name):
        return False
    statement = sql.SQL("CREATE DATABASE {} OWNER {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER)))
    return True


def adopt_database(connection: Connection, name: str) -> None:
    """Gives an empty database to our owner; `connection` is one to that database.

    Raises Refused when there are tables of somebody else's in it.
    """
    owner = database_owner(connection, name)
    if owner == OWNER:
        return
    if _has_tables(connection):
        raise Refused(
            f"The database {name} has tables already and belongs to {owner}: name another "
            "database in DATABASE_URL. A database that does not exist yet is created for you."
        )
    statement = sql.SQL("ALTER DATABASE {} OWNER TO {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER)))


def _has_tables(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname !~ '^pg_' AND nspname <> 'information_schema')"
    ).fetchone()
    return bool(row and row[0])


def set_privileges(connection: Connection) -> None:
    """What the two other roles may do with whatever the owner makes from now on.

    `connection` is the owner's, to the database concerned, and in autocommit mode.
    """
    database = sql.Identifier(connection.info.dbname)
    app, lookup = sql.Identifier(APP), sql.Identifier(LOOKUP)
    for statement in (
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(database, app, lookup),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}, {}").format(app, lookup),
        *default_privileges(),
    ):
        connection.execute(statement)


def default_privileges() -> list[sql.Composed]:
    """For one database: the one that the connection they are run on is to."""
    owner, app = sql.Identifier(OWNER), sql.Identifier(APP)
    head = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} ").format(owner)
    return [
        head + sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}").format(app),
        head + sql.SQL("GRANT USAGE, SELECT ON SEQUENCES TO {}").format(app),
    ]
