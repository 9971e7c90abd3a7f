"""`python -m tests.upgrade.dump 0.2.0`: load the demo into an empty database, and keep its dump.

Made once for each release, from its code, into tests/upgrade/demo-0.2.0.sql.gz. People, business and
runs are the same each time; ids and times are not. Nothing of this machine is in it: neither its
name nor its paths.
"""

import gzip
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest import mock

import django
from django.core.management import call_command

from backoffice.database.embedded import EmbeddedPostgres
from backoffice.demo import launcher
from backoffice.demo.data_folder import ROOT
from tests.doubles.slack import SlackDouble
from tests.doubles.stripe import StripeDouble
from tests.upgrade import kept

WRONG_USE: Final = 2
OF_A_MOMENT: Final = {"fsync": "off", "synchronous_commit": "off"}


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("Name the version: python -m tests.upgrade.dump 0.2.0\n")
        return WRONG_USE
    file = kept.file_of(arguments[0])
    if file.exists():
        sys.stderr.write(
            f"{file.name} is there already. The dump of a released version is never made again: "
            "it would be of other code. If that version was not released yet, remove the file first.\n"
        )
        return WRONG_USE
    with tempfile.TemporaryDirectory(prefix="kept-") as folder:
        text = dump_of_a_demo(Path(folder))
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    sys.stdout.write(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB\n")
    return 0


def dump_of_a_demo(folder: Path) -> str:
    folder.chmod(0o755)  # where root starts it, the server runs as another user
    server = EmbeddedPostgres(folder / "postgres", OF_A_MOMENT)
    with running(server), StripeDouble() as stripe, SlackDouble() as slack:
        os.environ |= _environment(folder, server, stripe.url, slack.url)
        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        with mock.patch("socket.gethostname", return_value="worker"):
            call_command("load_demo")
        return without_this_machine(kept.dumped(server))


@contextmanager
def running(server: EmbeddedPostgres) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def without_this_machine(text: str) -> str:
    """With other paths in the tracebacks of runs that failed."""
    for path, other in (
        (sys.prefix, "/srv/backoffice/.venv"),
        (os.path.realpath(sys.prefix), "/srv/backoffice/.venv"),
        (str(ROOT), "/srv/backoffice"),
        (sys.base_prefix, "/usr/local"),
    ):
        text = text.replace(f"{path}/", f"{other}/")
    return text


def _environment(folder: Path, server: EmbeddedPostgres, stripe: str, slack: str) -> dict[str, str]:
    return launcher.embedded_addresses(server).environment() | {
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "BACKOFFICE_DATA": str(folder),
        "BACKOFFICE_DEMO": "1",
        "SECRET_KEY": kept.SECRET_KEY,
        "INSECURE_HTTP": "1",
        "EMAIL_BACKEND": "backoffice.demo.mail.EmailBackend",
        "STRIPE_API_KEY": "sk_test_demo",
        "STRIPE_API_BASE": stripe,
        "SLACK_API_URL": slack,
        "SLACK_BOT_TOKEN": SlackDouble.bot_token,
        "SLACK_SIGNING_SECRET": SlackDouble.secret,
        "SLACK_TEAM_ID": SlackDouble.team,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
