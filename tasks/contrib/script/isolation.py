"""What a script can reach: by bubblewrap its own files and nothing else, otherwise what another user can.

`SCRIPT_SANDBOX` decides: "required" refuses to run a script where bubblewrap does not work,
"if_possible" goes without it there, "off" never uses it.
"""

import functools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from django.conf import settings

from tasks.authoring import Refused

MODES: Final = ("required", "if_possible", "off")
SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives")
# Names of hosts, users and certificates: for a script that uses the network.
NETWORK: Final = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/ca-certificates",
    "/etc/pki",
)  # fmt: skip
INSIDE: Final = "/task"  # where the script's files are, in the sandbox
PATIENCE: Final = 10  # seconds for a trial of bubblewrap
OTHER_USER: Final = "nobody"


def is_sandboxed() -> bool:
    """Whether scripts run in bubblewrap here. Raises Refused where they have to and cannot."""
    if settings.SCRIPT_SANDBOX == "off" or (not bubblewrap_works() and _may_do_without()):
        return False
    if not bubblewrap_works():
        raise Refused(
            "Scripts run only in a sandbox here, and bubblewrap does not work on this worker. Nothing "
            "was started. Ask an engineer to install it, or to set SCRIPT_SANDBOX."
        )
    return True


def _may_do_without() -> bool:
    return bool(settings.SCRIPT_SANDBOX == "if_possible")


@functools.cache
def bubblewrap_works() -> bool:
    """Whether bubblewrap can start a program here. Tried once: containers often forbid it."""
    if shutil.which("bwrap") is None:
        return False
    try:
        tried = subprocess.run(  # noqa: S603
            [*_bubblewrap((), network=False), "true"],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def sandboxed(
    command: Sequence[str], folder: Path, *, network: bool, reads: Iterable[Path] = ()
) -> list[str]:
    """The command as it runs in the sandbox, in which `folder` is INSIDE.

    It sees that folder, the system's programs and `reads`, all of them read only; an empty /tmp; no
    other process, no socket of the database and, unless `network`, no network.
    """
    shown = [*_bound(reads), "--ro-bind", str(folder), INSIDE, "--chdir", INSIDE]
    return [*_bubblewrap(shown, network=network), *command]


def _bubblewrap(shown: Iterable[str], *, network: bool) -> list[str]:
    return [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(("--share-net",) if network else ()),
        *_bound(Path(each) for each in (*SYSTEM, *(NETWORK if network else ()))),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - its own
        *shown,
    ]


def _bound(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        if path.is_symlink() and path.parent == Path("/"):  # /bin, where it leads into /usr
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.exists():
            yield from ("--ro-bind", str(path), str(path))


def homes_of(program: str) -> set[Path]:
    """The folders that an interpreter needs, where it is not among the system's programs."""
    found = {Path(program), Path(program).resolve()}
    return {_home_of(path) for path in found if not str(path).startswith(SYSTEM)}


def _home_of(program: Path) -> Path:
    """What its installation has in it: the folder above `bin`, unless that is somebody's home."""
    above = program.parent.parent
    return above if program.parent.name == "bin" and len(above.parts) > 3 else program.parent


def other_user() -> tuple[int, int] | None:
    """Whom a script runs as outside of the sandbox, by user and group, where that can be chosen.

    A worker of root has it run as nobody. Any other worker has to share its own user with it.
    """
    if os.geteuid() != 0 or settings.SCRIPT_SANDBOX == "off":
        return None
    try:
        found = pwd.getpwnam(OTHER_USER)
    except KeyError:
        return None
    return found.pw_uid, found.pw_gid
