"""`make demo`: database, worker, web server and doubles of Stripe, Slack and a CRM, from one command.

It stays in the foreground. Ctrl-C stops all of it; the data stay for the next time. The line that
begins with "Ready: " and the address tells programs what the box below it tells people.
"""

import http.client
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO

import psycopg

from backoffice.database import provision
from backoffice.database.embedded import EmbeddedPostgres
from backoffice.database.provision import APP, LOOKUP, OWNER, Addresses
from backoffice.demo.data_folder import ROOT, DataFolder, is_checkout
from backoffice.demo.mode import LOGINS, PASSWORD
from backoffice.demo.outside_database import OutsideDatabase
from backoffice.demo.processes import Programs, Stopped, StopRequest, Surroundings
from backoffice.progress import Refused, say, step

HOST = "127.0.0.1"
PREPARATIONS = (
    ("Migrating the database", "migrate", "--no-input"),
    ("Loading the demo company", "load_demo"),
    ("Collecting styles and scripts", "collectstatic", "--no-input"),
)
GUNICORN = (
    "backoffice.wsgi",
    "--threads=8",
    "--graceful-timeout=5",
    "--access-logfile=-",
    "--logger-class=backoffice.access_log.WithoutTokens",
    "--no-control-socket",
)
SLACK_TEAM = "T0DOUBLE"  # the workspace of the double
START_LIMIT = 60.0  # seconds until web server and double have to answer


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each of them listens."""

    web: int
    stripe: int
    slack: int
    crm: int


def main(arguments: list[str]) -> int:
    stop = StopRequest()
    try:
        refuse_without_doubles()
        data = DataFolder()
        with data.held() as lock:
            reset(data) if "--reset" in arguments else run(data, lock, stop)
    except Stopped:
        say("Stopped. The data are kept: `make demo` continues with them.")
    except Refused as refusal:
        say(f"\n{refusal}")
        return 1
    except psycopg.Error as error:
        say(f"\nThe database server refused: {str(error).splitlines()[0]}")
        return 1
    except OSError as error:
        say(f"\nThe operating system refused: {error}")
        return 1
    return 0


def run(data: DataFolder, lock: IO[str], stop: StopRequest) -> None:
    """Returns only by an exception: Stopped or Refused."""
    ports = Ports(wanted_port(), free_port(), free_port(), free_port())
    say("\nStarting the demo")
    with database(data) as addresses:
        env = environment(data, addresses, ports)
        programs = Programs(Surroundings(ROOT, env, data.log, lock), stop)
        try:
            start(programs, data, addresses, ports)
            say(f"\nReady: http://{HOST}:{ports.web}/\n\n{box(data, ports.web)}\n")
            while True:
                programs.watch()
        finally:
            say()
            with step("Stopping"):
                programs.end()


def start(programs: Programs, data: DataFolder, addresses: Addresses, ports: Ports) -> None:
    python = sys.executable
    with step("Starting Stripe, Slack and CRM doubles"):
        start_doubles(programs, data, ports)
        programs.wait_until(
            lambda: all(map(listens, (ports.stripe, ports.slack, ports.crm))),
            seconds=START_LIMIT,
            what="The doubles do not answer",
        )
    for title, command, *options in PREPARATIONS:
        with step(title):
            # Web server and worker are started without the owner's address: see database-roles.md.
            owner = {"DATABASE_OWNER_URL": addresses.owner}
            programs.run(command, python, "manage.py", command, *options, more=owner)
    with step("Starting web server and worker"):
        programs.start("worker", python, "manage.py", "worker")
        programs.start(
            "web server", python, "-m", "gunicorn", *GUNICORN, f"--bind={HOST}:{ports.web}"
        )
        programs.wait_until(
            lambda: serves(ports.web), seconds=START_LIMIT, what="The web server does not answer"
        )


def start_doubles(programs: Programs, data: DataFolder, ports: Ports) -> None:
    """Each keeps what it knows in a file of the data folder."""
    clicks = ("--deliver-to", f"http://{HOST}:{ports.web}/slack/")
    for name, port, more in (
        ("stripe", ports.stripe, ()),
        ("slack", ports.slack, clicks),
        ("crm", ports.crm, ()),
    ):
        options = ("--port", str(port), "--state", str(data.path / f"{name}.json"), *more)
        programs.start(f"{name} double", sys.executable, "-m", f"tests.doubles.{name}", *options)


@contextmanager
def database(data: DataFolder) -> Iterator[Addresses]:
    """The server that DATABASE_URL names or, without it, one of our own while the block runs."""
    if url := os.environ.get("DATABASE_URL"):
        with step("Preparing the database"):
            provided = OutsideDatabase(url, data.database_record).provide()
        if not provided:
            say("  This login cannot create roles: only triggers protect the audit log.")
        yield provided or Addresses(app=url, owner=url)
        return
    server = EmbeddedPostgres(data.postgres)
    try:
        with step("Starting PostgreSQL"):
            addresses = embedded_addresses(server)
        yield addresses
    finally:
        server.stop()


def embedded_addresses(server: EmbeddedPostgres) -> Addresses:
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        provision.make_roles(connection)
        provision.make_database(connection)
    addresses = Addresses(*(server.url(role, provision.DATABASE) for role in (APP, OWNER, LOOKUP)))
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        provision.set_privileges(connection)
    return addresses


def environment(data: DataFolder, addresses: Addresses, ports: Ports) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    if not env.get("EMAIL_URL"):
        env["EMAIL_BACKEND"] = "backoffice.demo.mail.EmailBackend"
    for name in ("NO_PROXY", "no_proxy"):  # a company's proxy knows nothing of our double
        env[name] = ",".join(filter(None, [env.get(name), HOST, "localhost"]))
    return env | {
        "DATABASE_URL": addresses.app,
        "LOOKUP_DATABASES": f"lookup={addresses.lookup}" if addresses.lookup else "",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "BACKOFFICE_DATA": str(data.path),
        "BACKOFFICE_DEMO": "1",
        "SECRET_KEY": data.secret("secret_key"),
        "INSECURE_HTTP": "1",
        "STRIPE_API_KEY": "sk_test_demo",
        "STRIPE_API_BASE": f"http://{HOST}:{ports.stripe}",
        "SLACK_API_URL": f"http://{HOST}:{ports.slack}/api/",
        "SLACK_BOT_TOKEN": "xoxb-double",
        "SLACK_SIGNING_SECRET": "signing-secret-of-the-double",
        "SLACK_TEAM_ID": SLACK_TEAM,
        "CRM_URL": f"http://{HOST}:{ports.crm}/v2/",
        "CRM_TOKEN": "crm-token-of-the-double",
        "SITE_URL": f"http://{HOST}:{ports.web}",
        "PYTHONUNBUFFERED": "1",
    }


def wanted_port() -> int:
    """$PORT, else 8000; 0 means any free one. Raises Refused when it cannot be had."""
    wanted = os.environ.get("PORT") or "8000"
    if not wanted.isdecimal() or int(wanted) > 65535:
        raise Refused(f"PORT is {wanted!r}, which is not a number between 0 and 65535.")
    try:
        return free_port(int(wanted))
    except OSError as error:
        raise Refused(
            f"Port {wanted} cannot be used ({error.strerror}): stop what uses it, or choose "
            "another one, for instance `PORT=8010 make demo`."
        ) from error


def free_port(wanted: int = 0) -> int:
    with closing(socket.socket()) as probe:
        # Without this the port of a demo that has just ended would count as used for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, wanted))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def serves(port: int) -> bool:
    """Whether the first page comes. Raises Refused when it is an error of the server's."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    with closing(connection):
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Refused(f"The web server answers with error {status}: see its log.")
    return True


def refuse_without_doubles() -> None:
    if not is_checkout():
        raise Refused(
            "The demo needs the doubles of Stripe, Slack and a CRM, which are not installed with the "
            "package: clone the repository and run `make demo` there."
        )


def reset(data: DataFolder) -> None:
    """Removes what a demo made in this data folder. Raises Refused when that is in doubt."""
    if url := os.environ.get("DATABASE_URL"):
        OutsideDatabase(url, data.database_record).remove()
    else:
        EmbeddedPostgres(data.postgres).stop()
    data.clear()
    say("The demo's data have been removed.")


def box(data: DataFolder, port: int) -> str:
    lines = [f"The back office is at  http://{HOST}:{port}/", "", "Sign in as one of"]
    lines += [f"  {login.name:<6}{login.role}" for login in LOGINS]
    lines += ["", f"Password for each of them:  {PASSWORD}", ""]
    lines += [f"Demo mailbox:  http://{HOST}:{port}/sent/", ""]
    lines += [f"Ctrl-C stops everything. The data stay in {data.path}"]
    width = max(len(line) for line in lines)
    edge = f"  +{'-' * (width + 4)}+"
    return "\n".join([edge, *(f"  |  {line:<{width}}  |" for line in lines), edge])
