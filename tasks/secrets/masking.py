"""Texts without the secrets in them, found by value. Needs no model, so that logging can use it."""

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final
from urllib.parse import quote, quote_plus

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

MASK: Final = "••••••"
SHORTEST_SETTING: Final = 8  # characters: a password such as “app” would hide common words
SHORTEST_LINE: Final = 8  # of a secret of several lines, such as a private key
_SECRET_SETTING: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|FALLBACKS)$")
# What PostgreSQL cannot keep as text or JSON: NUL, and halves of a character.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NOTHING: Final = r"(?!)"  # a pattern that matches nowhere


class Redactor:
    """Gives texts as they may be kept and shown: without these secrets.

    Each of them becomes “••••••”, also where it was quoted, escaped or encoded. Characters that the
    database cannot keep become “�”.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self.longest = len(longest_first[0]) if longest_first else 0
        found = "|".join(map(re.escape, longest_first)) or _NOTHING
        self._in_text = re.compile(found)
        self._in_bytes = re.compile(found.encode(errors="replace"))

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        return self._in_text.sub(MASK, _UNSTORABLE.sub("\ufffd", text))

    def content(self, content: bytes) -> bytes:
        """The content of a file without the secrets, and otherwise the same byte for byte."""
        return self._in_bytes.sub(MASK.encode(), content)


_at_work: list[Redactor] = []  # of the runs that this process is busy with


def secret_settings() -> list[str]:
    """The values of those settings whose names say that they are secret, and database passwords."""
    named = [getattr(settings, name) for name in dir(settings) if _SECRET_SETTING.search(name)]
    passwords = [database.get("PASSWORD") for database in settings.DATABASES.values()]
    return [text for text in _texts([*named, *passwords]) if len(text) >= SHORTEST_SETTING]


@contextmanager
def masking_the_log(redact: Redactor) -> Iterator[None]:
    """Have what this process logs go through `redact` while the block runs, from every thread."""
    _at_work.append(redact)
    try:
        yield
    finally:
        _at_work.remove(redact)


class MaskingFormatter(logging.Formatter):
    """Writes a log entry, traceback included, without the secrets of settings and present runs."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished text of the entry."""
        text = super().format(record)
        for redact in (without_settings(), *_at_work):
            text = redact(text)
        return text


@cache
def without_settings() -> Redactor:
    """What gives a text without the secrets of the settings."""
    return Redactor(secret_settings())


@receiver(setting_changed)
def _forget(**_: object) -> None:
    """Settings change in tests only."""
    without_settings.cache_clear()


def _forms(secret: str) -> Iterator[str]:
    """How a secret may be written: as it is, stripped, by lines, and as programs encode it."""
    lines = [line.strip() for line in secret.splitlines()]
    several = [line for line in lines if len(line) >= SHORTEST_LINE] if len(lines) > 1 else []
    for text in {secret, secret.strip(), *several} - {""}:
        yield from (text, quote(text), quote(text, safe=""), quote_plus(text))
        yield from (repr(text)[1:-1], json.dumps(text)[1:-1])
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield base64.b64encode(text.encode(errors="replace")).decode().rstrip("=")


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)
