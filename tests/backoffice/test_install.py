"""The virtual environment: when it is made, when it is left alone, and why it could not be."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from backoffice.install import ROOT, Environment, prepare, why_not_installed
from backoffice.progress import Refused

LOG = Path("install.log")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout") / ".venv"
    environment = Environment(folder)
    venv.create(folder, with_pip=True)
    return environment


@pytest.fixture
def lock(tmp_path):
    """A lock file with nothing in it: pip has nothing to fetch."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("")
    return lock


def test_it_is_filled_once(made, lock, capsys):
    lock.write_text("# first\n")
    prepare(made, lock)
    assert "Installing requirements.lock" in capsys.readouterr().out
    prepare(made, lock)
    assert capsys.readouterr().out == ""


def test_it_is_filled_again_when_the_lock_file_has_changed(made, lock):
    prepare(made, lock)
    lock.write_text("# another\n")
    assert not made.has(lock)


def test_an_environment_without_pip_does_not_work(tmp_path):
    venv.create(tmp_path / ".venv", with_pip=False)
    assert not Environment(tmp_path / ".venv").works()


def test_a_package_without_a_hash_is_not_installed(made, lock):
    lock.write_text("django==5.2.0\n")
    with pytest.raises(Refused):
        prepare(made, lock)
    assert not made.has(lock)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: No matching distribution found for psycopg-binary==3.3", "no ready-made psycopg"),
        (
            "WARNING: NewConnectionError(...)\nERROR: No matching distribution found for django",
            "cannot be reached: check the network",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not the one that the lock file"),
        ("ERROR: [Errno 28] No space left on device", "No space left on device"),
        ("", "pip gave no reason"),
    ],
)
def test_pips_words_become_one_sentence(output, sentence):
    assert sentence in why_not_installed(output, LOG)


@pytest.fixture
def checkout(tmp_path):
    """The Makefile, and in the place of the installation a script that says which Python it got."""
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / "backoffice").mkdir()
    (tmp_path / "backoffice" / "install.py").write_text("import sys; sys.exit(sys.executable)")
    (tmp_path / "bin").mkdir()
    return tmp_path


def put(checkout, name, script):
    program = checkout / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def make_demo(checkout):
    env = {"PATH": str(checkout / "bin"), "HOME": str(checkout)}
    command = [shutil.which("make") or "make", "demo"]
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True).stderr


WORKS = f'exec "{sys.executable}" "$@"'


def test_make_passes_over_a_python_that_is_only_a_name(checkout):
    put(checkout, "bin/python3.13", "echo 'version not selected' >&2; exit 127")
    put(checkout, "bin/python3.12", WORKS)
    assert sys.executable in make_demo(checkout)


def test_make_passes_over_a_python_that_is_too_old(checkout):
    old = "import sys; sys.version_info = (3, 11); "
    put(checkout, "bin/python3", f'exec "{sys.executable}" -c "{old}$2"')
    assert "Python 3.12 or 3.13" in make_demo(checkout)


def test_make_looks_among_the_versions_of_pyenv(checkout):
    put(checkout, ".pyenv/versions/3.13.1/bin/python", WORKS)
    assert sys.executable in make_demo(checkout)


def test_make_says_what_to_install_when_there_is_no_python(checkout):
    assert make_demo(checkout).startswith("Python 3.12 or 3.13 with its venv module is needed")
