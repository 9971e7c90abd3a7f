"""The virtual environment: made once, filled from a lock file, left alone while that is unchanged.

`make` runs this with whatever Python it has found, so it needs the standard library only:
`python3 -m backoffice.install requirements.lock`.
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from backoffice.progress import Refused, say, step

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 12)
# What pip writes when there is no way to the package index at all; it then also says that there
# is "no matching distribution", which would send the reader the wrong way.
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|MaxRetryError"
    r"|Network is unreachable|Connection refused|SSLError"
)
NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")


class Environment:
    """The folder `.venv` of a checkout and what has been installed into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.log = folder / "install.log"

    def works(self) -> bool:
        """False as well for a folder whose making was cut short, or whose Python is gone."""
        test = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
        try:
            return subprocess.run([self.python, "-c", test], capture_output=True).returncode == 0  # noqa: S603
        except OSError:
            return False

    def has(self, lock: Path) -> bool:
        try:
            return self._stamp(lock).read_text() == _fingerprint(lock)
        except FileNotFoundError:
            return False

    def make(self) -> None:
        command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        made = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
        if made.returncode:
            raise Refused(_why_no_environment(self.folder, made.stdout + made.stderr))

    def install(self, lock: Path) -> None:
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        command += ["--no-input", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
        with self.log.open("w") as log:
            done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        if done.returncode:
            raise Refused(why_not_installed(self.log.read_text(errors="replace"), self.log))
        self._stamp(lock).write_text(_fingerprint(lock))

    def _stamp(self, lock: Path) -> Path:
        return self.folder / f"installed-{lock.name}.sha256"


def _fingerprint(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _why_no_environment(folder: Path, output: str) -> str:
    if "ensurepip" in output:
        return (
            f"{sys.executable} cannot make virtual environments: install its venv module "
            "(on Debian and Ubuntu: apt-get install python3-venv) and try again."
        )
    last = (output.strip().splitlines() or ["it gave no reason"])[-1]
    return f"The virtual environment {folder} could not be made: {last}"


def why_not_installed(output: str, log: Path) -> str:
    """One sentence out of what pip has written."""
    if NO_NETWORK.search(output):
        return f"The package index cannot be reached: check the network or the proxy ({log})."
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "A package is not the one that the lock file names, so nothing was installed: "
            f"see {log} for which, and whether a mirror has changed it."
        )
    if missing := NO_WHEEL.search(output):
        version = ".".join(str(part) for part in sys.version_info[:2])
        return (
            f"There is no ready-made {missing[1]} for Python {version} on this kind of machine, and "
            "nothing is compiled here: use Python 3.12 or 3.13 on Linux (x86-64, ARM) or macOS."
        )
    last = (output.strip().splitlines() or ["pip gave no reason"])[-1]
    return f"The packages could not be installed: {last} (all of it: {log})"


def prepare(environment: Environment, lock: Path) -> None:
    """Idempotent, and quick when there is nothing to do.

    Raises Refused when the environment cannot be made or filled.
    """
    if environment.has(lock) and environment.works():
        return
    if not lock.is_file():
        raise Refused(f"There is no {lock}: only a checkout makes its own virtual environment.")
    if not os.access(environment.folder.parent, os.W_OK):
        raise Refused(
            f"Nothing can be written to {environment.folder.parent}: check its permissions."
        )
    if not environment.works():
        with step("Making the virtual environment"):
            environment.make()
    with step(f"Installing {lock.name}"):
        environment.install(lock)


def main(lock: str) -> int:
    try:
        prepare(Environment(ROOT / ".venv"), ROOT / lock)
    except Refused as refusal:
        say(f"\n{refusal}")
        return 1
    except OSError as error:
        say(f"\nThe virtual environment could not be made: {error}.")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Nothing is lost: the same command continues from here.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
