"""The files of a script: read once, when its task is declared, and written out anew for each run.

So what runs is what was hashed, whatever happens to the files in between.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

MOST_FILES: Final = 5_000
LARGEST: Final = 50_000_000  # bytes of all of them


class NotReadable(Exception):
    """The files are not there, or not as they have to be. Two texts: what is wrong, and what to do."""


def read(script: Path, covers: Sequence[str]) -> dict[str, bytes]:
    """The script and what `covers` names, by their paths from the script's folder.

    Raises NotReadable.
    """
    if not script.is_file():
        raise NotReadable(
            f"There is no file {script}.", "Correct the path: it begins at this module."
        )
    found = {script.name: _content(script, script.parent)}
    for pattern in covers:
        matching = list(_matching(script.parent, pattern))
        if not matching:
            raise NotReadable(f"covers names {pattern!r}, and no file is like that.", "Correct it.")
        for path in matching:
            found[path.relative_to(script.parent).as_posix()] = _content(path, script.parent)
    if len(found) > MOST_FILES or sum(map(len, found.values())) > LARGEST:
        raise NotReadable(
            f"The script covers more than {MOST_FILES:,} files, or {LARGEST:,} bytes.",
            "Name less in covers, or bundle it.",
        )
    return dict(sorted(found.items()))


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        raise NotReadable(
            f"covers names {pattern!r}, which is not below {folder}.", "Move it below the script."
        )
    yield from (
        path for path in sorted(folder.glob(pattern)) if path.is_symlink() or path.is_file()
    )


def _content(path: Path, folder: Path) -> bytes:
    """What is in a file. A link may lead to something else by the time that it is read again."""
    below = path.relative_to(folder)
    if any((folder / part).is_symlink() for part in (below, *below.parents[:-1])):
        raise NotReadable(f"{path} is a symbolic link.", "Put the file itself there.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReadable(
            f"{path} cannot be read: {error.strerror}.", "Correct its permissions."
        ) from error


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Put the files into an empty folder, where nobody can write to them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o555)
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o555)


def listed(files: Mapping[str, bytes]) -> str:
    """Each file with the SHA-256 of its content."""
    return "\n".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()
    )


def remove(folder: Path) -> None:
    """Remove it, also where nothing may be written to it."""
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
