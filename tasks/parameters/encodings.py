"""Which letters a file of text is written in. What is no Unicode has to be said by a person.

The bytes do not tell: “Łukasz” of one code page is “£ukasz” of another, and both can be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError

MARKS: Final = {
    b"\xff\xfe\0\0": "utf-32",  # before UTF-16, whose mark it begins with
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
CODE_PAGES: Final = {
    "cp1252": "Western Europe (Windows)",
    "cp1250": "Central Europe (Windows)",
    "cp1251": "Cyrillic (Windows)",
    "cp1253": "Greek (Windows)",
    "cp1254": "Turkish (Windows)",
    "cp1257": "Baltic (Windows)",
    "mac_roman": "Western Europe (Mac)",
    "cp932": "Japanese (Shift JIS)",
    "gbk": "Chinese, simplified (GBK)",
    "big5": "Chinese, traditional (Big5)",
    "cp949": "Korean (Windows)",
}
USUAL: Final = "cp1252"  # what stored files were read with before anybody was asked
SAMPLE_LINES: Final = 3
SAMPLE_WIDTH: Final = 70  # characters of a line
UNREADABLE: Final = "Its letters cannot be read. Save it again as “CSV UTF-8”."
NO_TEXT: Final = (
    "It has a character that is in no text (U+0000, the first on line {line}): it is damaged, or saved "
    "in another format. Save it again as “CSV UTF-8”."
)
NOT_UNICODE: Final = (
    "Its letters are not UTF-8. Save it again as “CSV UTF-8”; or say below how it reads right, and "
    "choose the file again."
)


class UnknownLetters(ValidationError):
    """Nobody has said in which letters a file is written, and its bytes do not tell."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a file: the code page, and how lines that tell it from others come out."""

    code_page: str
    label: str
    sample: str


def text_in(content: bytes, code_page: str = "") -> str:
    """The text of a file: UTF-8 or UTF-16 by its mark, UTF-8 without one, or in this code page.

    Raises `UnknownLetters` where it is none of them.
    """
    text = _unicode(content)
    if text is None and code_page in CODE_PAGES:
        text = _read(content, code_page)
    if text is None:
        raise UnknownLetters(NOT_UNICODE if _is_text(content) else UNREADABLE)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValidationError(NO_TEXT.format(line=line))
    return text


def is_unicode(content: bytes) -> bool:
    """Whether nobody has to say in which letters it is written."""
    return _unicode(content) is not None


def readings(content: bytes) -> list[Reading]:
    """How a file that is no Unicode can be read: each way that gives another text."""
    texts: dict[str, str] = {}
    for code_page in CODE_PAGES if _is_text(content) else ():
        if (text := _read(content, code_page)) is not None and text not in texts.values():
            texts[code_page] = text
    return [Reading(name, CODE_PAGES[name], _sample(text)) for name, text in texts.items()]


def _unicode(content: bytes) -> str | None:
    return _read(content, _marked(content) or "utf-8")


def _marked(content: bytes) -> str:
    return next((name for mark, name in MARKS.items() if content.startswith(mark)), "")


def _is_text(content: bytes) -> bool:
    """Whether it can be text of a code page: no spreadsheet under a wrong name, no broken Unicode."""
    return b"\0" not in content and not _marked(content)


def _read(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _sample(text: str) -> str:
    return " / ".join(line for line, _ in zip(_telling(text), range(SAMPLE_LINES), strict=False))


def _telling(text: str) -> Iterator[str]:
    """The lines in which there are letters that depend on the code page."""
    for line in text.splitlines():
        if not line.isascii():
            first = next(at for at, c in enumerate(line) if not c.isascii())
            start = max(0, first - SAMPLE_WIDTH // 2)
            yield line[start : start + SAMPLE_WIDTH].strip()
