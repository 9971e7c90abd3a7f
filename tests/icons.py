"""The icons of the pages: a small part of the theme's icon font, as a file of our own.

`python -m tests.icons` writes that file anew. It needs fonttools and brotli, which nothing else
needs: `pip install fonttools brotli`. After an icon is added to a page, or the theme is upgraded.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import unfold

ROOT: Final = Path(__file__).resolve().parent.parent
FONTS: Final = ROOT / "backoffice/static/backoffice/fonts"
WHOLE: Final = (
    Path(unfold.__file__).parent
    / "static/unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
)
NAMES: Final = FONTS / "icons.txt"
PACKAGES: Final = ("approvals", "audit", "backoffice", "fixtures", "tasks")

IN_TEMPLATES: Final = re.compile(r"material-symbols-outlined[^>]*>\s*([a-z0-9_]+)\s*<")
IN_NAVIGATION: Final = re.compile(
    r'_item\(\s*"[^"]+",\s*"([a-z0-9_]+)"|"(?:icon|SITE_SYMBOL)": "([a-z0-9_]+)"'
)
# What the theme's style sheet draws beside selects and in pickers.
BY_THE_THEME: Final = {
    "check",
    "check_small",
    "close",
    "close_small",
    "expand_more",
    "search",
    "sync",
    "warning",
}


def used() -> set[str]:
    """The icons that templates, the sidebar and the theme's controls name."""
    return {name for name in _named() if name} | BY_THE_THEME


def kept() -> set[str]:
    """The icons in our file."""
    return set(NAMES.read_text().split())


def _named() -> Iterator[str]:
    for package in PACKAGES:
        for template in (ROOT / package).rglob("templates/**/*.html"):
            yield from IN_TEMPLATES.findall(template.read_text())
    for pair in IN_NAVIGATION.findall((ROOT / "backoffice/navigation.py").read_text()):
        yield from pair


def _write(names: set[str]) -> None:
    from fontTools import subset  # type: ignore[import-not-found]  # for who runs this only
    from fontTools.ttLib import TTFont  # type: ignore[import-not-found]

    font = TTFont(WHOLE)
    glyphs = _ligatures(font)
    if missing := names - glyphs.keys():
        raise SystemExit(f"The theme's font has no {', '.join(sorted(missing))}.")
    options = subset.Options(layout_features=["liga", "rlig"])
    options.layout_closure = False  # or the letters would bring in every other icon
    subsetter = subset.Subsetter(options)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
    subsetter.populate(glyphs={glyphs[name] for name in names}, text=letters)
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(FONTS / "icons.woff2")
    NAMES.write_text("\n".join(sorted(names)) + "\n")


def _ligatures(font: Any) -> dict[str, str]:
    """The glyph that stands for a word."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    found: dict[str, str] = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            table = getattr(table, "ExtSubTable", table)
            for first, ligatures in getattr(table, "ligatures", {}).items():
                for each in ligatures:
                    word = "".join(letters.get(glyph, "?") for glyph in (first, *each.Component))
                    found[word] = each.LigGlyph
    return found


if __name__ == "__main__":
    _write(used())
    sys.stdout.write(f"{len(kept())} icons\n")
