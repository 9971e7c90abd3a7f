"""The Python in the texts. `python -m tests.code_blocks` types the tasks that they tell a reader to write.

It takes the configuration of the project, and so does `make check`, which runs it after mypy has
seen everything else and left its cache: that makes it a matter of seconds.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT = Path(__file__).resolve().parent.parent

# Where each block of a page belongs, as the page says: mypy is less strict in `tests`.
PLACES: Final = {
    "README.md": ["acme_ops/from_the_readme.py"],
    "docs/tutorial/first-task.md": ["acme_ops/double_charge.py", "tests/test_double_charge.py"],
}


def code_blocks(path: Path) -> list[str]:
    """Each block of Python in a text, without its fences."""
    text = path.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def write_modules(folder: Path) -> Iterator[str]:
    """Make packages of the blocks. A page that has more or fewer of them is a ValueError."""
    for page, places in PLACES.items():
        for place, block in zip(places, code_blocks(ROOT / page), strict=True):
            path = folder / place
            path.parent.mkdir(exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(block, encoding="utf-8")
            yield str(path)


def check() -> int:
    """What mypy says of them, and its exit code."""
    with TemporaryDirectory() as folder:
        modules = list(write_modules(Path(folder)))
        code = subprocess.call([sys.executable, "-m", "mypy", *modules], cwd=ROOT)
    if code:
        print(f"These are code blocks of {' and '.join(PLACES)}: mend them there.", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(check())
