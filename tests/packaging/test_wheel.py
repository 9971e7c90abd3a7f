"""The product as others install it: a wheel, in an environment and a folder of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest

from backoffice.database.embedded import EmbeddedPostgres
from backoffice.demo.launcher import GUNICORN, HOST, embedded_addresses, free_port, listens
from tests.acceptance.conftest import ENDS_WITHIN, eventually
from tests.database import FAST
from tests.packaging import installed
from tests.packaging.adopter.first_day import PACKAGES
from tests.test_docs import ROOT, of_repository

ADOPTER = Path(__file__).parent / "adopter"
TASKS = "acme_ops,fixtures.ledger.operations"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """With a short path, for the socket of the database."""
    folder = Path(tempfile.mkdtemp(prefix="bo-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def wheel(folder) -> Path:
    return installed.build(folder)


def of_the_packages() -> set[str]:
    names = {path.relative_to(ROOT).as_posix() for path in of_repository()}
    return {name for name in names if name.partition("/")[0] in PACKAGES}


def test_the_wheel_has_every_file_of_the_packages_and_no_other(wheel):
    names = set(ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == of_the_packages()
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {Path(name).suffix for name in names} >= {".py", ".html", ".css", ".js", ".woff2"}


class Installation:
    """An adopter's folder: a package of tasks, and the environment that the wheel is in."""

    def __init__(self, place: Path, environment: installed.Environment, database: str) -> None:
        self.place, self.bin, self.database = place, environment.bin, database
        self.env = {
            "PATH": f"{environment.bin}:{os.environ['PATH']}",
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "SECRET_KEY": "only-for-tests-" * 4,
            "INSECURE_HTTP": "1",
            "DATABASE_URL": database,
            "TASK_MODULES": TASKS,
        }

    def run(self, command: str, *arguments: str, **more: str) -> str:
        return installed.run(self.bin / command, *arguments, cwd=self.place, env=self.env | more)

    def first_day(self) -> tuple[list[str], str]:
        """Where its modules lie, and the number of a run that is asked for."""
        what = "json.dumps([sorted(first_day.import_everything()), first_day.ask()])"
        script = f"import django, json; django.setup(); import first_day; print({what})"
        places, run = json.loads(self.run("python", "-c", script))
        return places, run

    @contextmanager
    def started(self, command: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Ended with SIGTERM, after which it has to end well and by itself."""
        log = self.place / "process.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.bin / command, *arguments],
                cwd=self.place,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=ENDS_WITHIN) == 0, log.read_text()
        except BaseException:
            print(log.read_text())  # noqa: T201 - pytest shows it with the failure
            raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=ENDS_WITHIN)

    def status_and_output(self, run: str) -> tuple[str, dict[str, object] | None]:
        with psycopg.connect(self.database) as connection:
            found = connection.execute("SELECT status, output FROM tasks_run WHERE id = %s", [run])
            status, output = found.fetchone() or ("", None)
        return status, output


@pytest.fixture(scope="module")
def environment(wheel, folder) -> installed.Environment:
    return installed.install(wheel, folder / "environment")


@pytest.fixture
def installation(environment, folder) -> Iterator[Installation]:
    """Migrated, as a deployment would do it."""
    place = folder / "elsewhere"
    shutil.copytree(ADOPTER, place, ignore=shutil.ignore_patterns("__pycache__"))
    server = EmbeddedPostgres(folder / "postgres", FAST)
    try:
        addresses = embedded_addresses(server)
        there = Installation(place, environment, addresses.app)
        there.run("backoffice", "check")
        there.run("backoffice", "migrate", "-v0", **addresses.environment())
        there.run("python", "-m", "django", "collectstatic", "--no-input", "-v0")
        yield there
    finally:
        server.stop()


def get(url: str) -> str:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own server
        return str(answer.read().decode())


def see_the_sign_in_page(site: str) -> None:
    page = get(f"{site}/")
    assert 'name="password"' in page
    linked = set(re.findall(r'"(/static/[^"]+)"', page))
    assert any("/backoffice/backoffice." in path for path in linked)
    assert all(get(f"{site}{path}") for path in linked)


def see_the_web_server(port: int) -> None:
    eventually(lambda: listens(port))
    assert json.loads(get(f"http://{HOST}:{port}/healthz")) == {"alive": True}
    see_the_sign_in_page(f"http://{HOST}:{port}")


@pytest.mark.alone
def test_it_runs_in_another_folder_from_the_wheel_alone(installation, environment):
    before = set(environment.packages.iterdir())
    places, run = installation.first_day()
    homes = {Path(place).relative_to(environment.packages).parts[0] for place in places}
    assert homes == set(PACKAGES)
    port = free_port()
    with installation.started("python", "-m", "gunicorn", *GUNICORN, f"--bind={HOST}:{port}"):
        see_the_web_server(port)
    with installation.started("backoffice", "worker"):
        eventually(lambda: installation.status_and_output(run)[0] not in ("queued", "running"))
    status, output = installation.status_and_output(run)
    assert (status, output and output["pairs"]) == ("succeeded", [["Greeting", "Hello, Alice"]])
    # Its own things lie in the folder that it was started in, not among the packages.
    assert (installation.place / ".data" / "static" / "backoffice").is_dir()
    assert set(environment.packages.iterdir()) == before
