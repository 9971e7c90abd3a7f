"""Kill points are off, and a deployment is told when they are not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks

from tasks.queue import kill_points

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def reach(tmp_path):
    """The result of a process that comes by a point, with kill points switched on or off."""

    def reach_it(*, armed: bool) -> int:
        code = 'from tasks.queue.kill_points import killpoint; killpoint("here")'
        environment = os.environ | ({kill_points.VARIABLE: str(tmp_path)} if armed else {})
        return subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, check=False
        ).returncode

    return reach_it


def test_a_point_kills_once_for_each_file(reach, tmp_path):
    (tmp_path / "here").touch()
    assert reach(armed=True) == -signal.SIGKILL
    assert reach(armed=True) == 0
    assert list(tmp_path.iterdir()) == []


def test_without_the_variable_a_point_does_nothing(reach, tmp_path):
    (tmp_path / "here").touch()
    assert reach(armed=False) == 0
    assert (tmp_path / "here").exists()


def test_a_deployment_with_kill_points_is_an_error(monkeypatch):
    monkeypatch.setenv(kill_points.VARIABLE, "/somewhere")
    assert "tasks.E010" not in [message.id for message in run_checks(tags=["tasks"])]
    for_deployment = run_checks(tags=["tasks"], include_deployment_checks=True)
    assert "tasks.E010" in [message.id for message in for_deployment]
