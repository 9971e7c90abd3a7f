"""The wheel, built from what git knows, and an environment with nothing else in it."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from zipfile import Path as ZipPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_docs import ROOT, of_repository

PIP = (sys.executable, "-m", "pip")
# No settings of this machine's, and no package index: what is missing shall be missed.
ALONE = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] = ALONE) -> str:
    """What the command says. AssertionError with all of it when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(folder: Path) -> Path:
    """The wheel of a clean copy, in which nothing lies that was left from working on it."""
    copy = folder / "copy"
    for path in of_repository():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--check-build-dependencies")
    run(*PIP, "wheel", *options, "--wheel-dir", folder, copy, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel and what it declares that it needs."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found


def install(wheel: Path, folder: Path) -> Environment:
    """Fails when pip finds that something is missing that the wheel needs.

    To install its dependencies anew would take most of a minute and a package index. Those of the
    tests are linked in, one by one and only as far as they are declared, so that one that is
    forgotten is missed here as it would be by an adopter.
    """
    environment = Environment(folder)
    venv.create(folder, symlinks=True)
    for distribution in _needed(_requirements(wheel)):
        _link(distribution, environment.packages)
    python = environment.bin / "python"
    run(*PIP, "--python", python, "install", "--no-index", wheel, cwd=folder)
    return environment


def _requirements(wheel: Path) -> list[str]:
    (described,) = (each for each in ZipPath(wheel).iterdir() if each.name.endswith(".dist-info"))
    return metadata.PathDistribution(described).requires or []


def _needed(texts: Iterable[str]) -> Iterator[metadata.Distribution]:
    """The distributions that these lines ask for, and what those ask for in their turn."""
    waiting = [(text, frozenset[str]()) for text in texts]
    seen = set()
    while waiting:
        text, extras = waiting.pop()
        wanted = Requirement(text)
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in seen or not _applies(wanted, extras):
            continue
        seen.add(key)
        distribution = metadata.distribution(wanted.name)
        waiting += [(each, frozenset(wanted.extras)) for each in distribution.requires or []]
        yield distribution


def _applies(wanted: Requirement, extras: frozenset[str]) -> bool:
    marker = wanted.marker
    return not marker or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def _link(distribution: metadata.Distribution, packages: Path) -> None:
    names = {Path(file).parts[0] for file in distribution.files or []}
    for name in names - {"..", "__pycache__"}:
        if not (packages / name).exists():
            (packages / name).symlink_to(Path(str(distribution.locate_file(name))))
