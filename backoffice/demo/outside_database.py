"""A demo on a PostgreSQL server that was there before: the one that DATABASE_URL names.

What was made there, with the passwords of its roles, is kept in the data folder: it is the only
proof that a database is this demo's own and may be removed again.
"""

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from backoffice.database import provision
from backoffice.database.provision import APP, LOOKUP, OWNER, ROLES, Addresses
from backoffice.demo.data_folder import read_json, write_private
from backoffice.progress import Refused

MAINTENANCE = ("postgres", "template0", "template1")  # never ours to fill
NO_SUCH_DATABASE = "3D000"  # SQLSTATE


class OutsideDatabase:
    """Raises Refused from the start when the address cannot be read."""

    def __init__(self, url: str, record: Path) -> None:
        self.url = url
        self.record = record
        self.parameters = _read(url)
        named = self.parameters.pop("dbname", "")
        self.database = provision.DATABASE if named in {"", *MAINTENANCE} else named

    def provide(self) -> Addresses | None:
        """The roles and the database, made where they are missing.

        None when this login may not make any: then it has to serve for everything.
        Raises Refused when somebody else's roles or tables are in the way.
        """
        with self._administrator() as connection:
            if not provision.may_provision(connection):
                self._check_that_it_is_there(connection)
                return None
            kept = self._recorded() or self._begin(connection)
            provision.make_roles(connection, kept["passwords"])
            provision.become_able_to_give_to_owner(connection)
            if provision.make_database(connection, self.database):
                self._keep(kept | {"made": True})
        with self._connect(dbname=self.database) as connection:
            provision.adopt_database(connection, self.database)
        addresses = self._addresses(kept["passwords"])
        with psycopg.connect(addresses.owner, autocommit=True) as connection:
            provision.set_privileges(connection)
        return addresses

    def remove(self) -> None:
        """Drops the database, when it is one that `provide` made.

        Raises Refused when it is not, or when somebody is connected to it.
        """
        kept = self._recorded()
        if not kept.get("made"):
            raise Refused(
                f"Nothing in {self.record.parent} shows that this demo made the database "
                f"{self.database}, so it is not removed. Drop it yourself if nobody needs it."
            )
        with self._connect(dbname="postgres") as connection:
            owner = provision.database_owner(connection, self.database)
            if owner not in (None, OWNER):
                raise Refused(f"The database {self.database} belongs to {owner}: not removed.")
            try:
                drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(self.database))
                connection.execute(drop)
            except psycopg.errors.ObjectInUse:
                raise Refused(
                    f"Somebody is connected to the database {self.database}: not removed. Close "
                    "those connections and try again."
                ) from None
        self._keep(kept | {"made": False})  # the next of this name may be somebody else's

    def _check_that_it_is_there(self, connection: Connection) -> None:
        if provision.database_owner(connection, self.database) is None:
            raise Refused(
                f"The server has no database {self.database}, and the login in DATABASE_URL cannot "
                "create one: create it first, or name a login that can create roles and databases."
            )

    def _begin(self, connection: Connection) -> dict[str, Any]:
        # Written before the roles are made: passwords that nobody has kept help nobody.
        if taken := provision.existing_roles(connection):
            raise Refused(
                f"The server has roles named {', '.join(sorted(taken))} already, and {self.record} "
                "with their passwords is missing: use that demo's data folder, or drop the roles."
            )
        passwords = {role: secrets.token_urlsafe(24) for role in ROLES}
        kept = {"server": self._server, "database": self.database, "passwords": passwords}
        self._keep(kept)
        return kept

    def _keep(self, kept: dict[str, Any]) -> None:
        write_private(self.record, json.dumps(kept, indent=2))

    def _recorded(self) -> dict[str, Any]:
        kept = read_json(self.record)
        if kept and (kept["server"], kept["database"]) != (self._server, self.database):
            raise Refused(
                f"The demo in {self.record.parent} uses the database {kept['database']} on "
                f"{kept['server']}, and DATABASE_URL names another one: set BACKOFFICE_DATA to a "
                "new folder for that one."
            )
        return kept

    @property
    def _server(self) -> str:
        return f"{self.parameters.get('host', 'localhost')}:{self.parameters.get('port', '5432')}"

    def _administrator(self) -> Connection:
        """To the named database or, while that is not there, to the one every server has."""
        try:
            return self._connect(dbname=self.database)
        except psycopg.OperationalError as error:
            if error.sqlstate != NO_SUCH_DATABASE and "does not exist" not in str(error):
                raise
        return self._connect(dbname="postgres")

    def _connect(self, **parameters: str) -> Connection:
        merged = {"connect_timeout": "10"} | self.parameters | parameters
        return psycopg.connect(autocommit=True, **merged)  # type: ignore[arg-type]

    def _addresses(self, passwords: dict[str, str]) -> Addresses:
        return Addresses(*(self._address(role, passwords[role]) for role in (APP, OWNER, LOOKUP)))

    def _address(self, user: str, password: str) -> str:
        query = self.parameters | {"user": user, "password": password}
        return f"postgresql:///{quote(self.database)}?{urlencode(query, quote_via=quote)}"


def _read(url: str) -> dict[str, str]:
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its text repeats the address, and so the password
        raise Refused(
            "DATABASE_URL cannot be read. It looks like postgresql://user:password@host:5432/name, "
            "with special characters in the password written as %40 for @, and so on."
        ) from None
    return {key: str(value) for key, value in parameters.items() if value is not None}
