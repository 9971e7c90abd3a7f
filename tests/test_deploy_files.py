"""The unit files and the Procfile that are handed out agree with the settings."""

import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from tasks.queue.cluster import GRACE

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "deploy"
HOW_TO = FOLDER.parent / "run-in-production.md"


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FOLDER / f"backoffice-{name}.service")
    return parser


def processes() -> dict[str, list[str]]:
    lines = (FOLDER / "Procfile").read_text().splitlines()
    named = (line.partition(": ") for line in lines)
    return {name: shlex.split(command) for name, _, command in named}


def test_systemd_waits_for_longer_than_the_worker_takes_to_stop():
    wait = int(unit("worker")["Service"]["TimeoutStopSec"])
    assert settings.WORKER_STOP_SECONDS + GRACE < wait < settings.WORKER_STOP_SECONDS + 60


def test_a_worker_that_ends_for_a_new_start_gets_one():
    service = unit("worker")["Service"]
    wanted = {"KillMode": "mixed", "Restart": "always", "RestartSec": "1", "OOMPolicy": "stop"}
    assert {name: service[name] for name in wanted} == wanted
    assert unit("worker")["Unit"]["StartLimitIntervalSec"] == "0"


@pytest.mark.parametrize("name", ["web", "worker"])
def test_both_run_as_the_same_user_with_the_same_environment(name):
    service = unit(name)["Service"]
    assert (service["User"], service["EnvironmentFile"]) == ("backoffice", "/etc/backoffice.env")


def test_what_they_start_is_there():
    command = unit("worker")["Service"]["ExecStart"].split()
    assert command[-2:] == ["manage.py", processes()["worker"][-1]]
    assert command[-1] in get_commands()
    assert processes()["web"][:2] == ["gunicorn", "backoffice.wsgi"]
    assert unit("web")["Service"]["ExecStart"].split()[1] == "backoffice.wsgi"


def test_the_web_server_opens_no_socket_beside_its_own():
    for command in (unit("web")["Service"]["ExecStart"].split(), processes()["web"]):
        assert "--no-control-socket" in command


def test_the_how_to_leads_to_each_of_them():
    page = HOW_TO.read_text()
    assert [file.name for file in FOLDER.iterdir() if f"(deploy/{file.name})" not in page] == []
