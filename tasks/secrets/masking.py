"""Texts without the secrets in them, found by value. Needs no model, so that logging can use it."""

import base64
import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TextIO
from urllib.parse import quote, quote_plus, unquote

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from tasks.declaration.resources import secrets_of_resources

MASK: Final = "••••••"
SHORTEST_SETTING: Final = 8  # characters: a password such as “app” would hide common words
SHORTEST_DECLARED: Final = 4  # of a resource: its author says that it is a secret
SHORTEST_LINE: Final = 8  # of a secret of several lines, such as a private key
SHORTEST_INSIDE: Final = 6  # characters of Base64 that a secret makes inside of something longer
_SECRET_SETTING: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|FALLBACKS)$")
_SECRET_VARIABLE: Final = re.compile(
    r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?$", re.IGNORECASE
)
_PASSWORD_IN_URL: Final = re.compile(r"[a-zA-Z][\w+.-]*://[^/?#@:\s]*:([^/?#@\s]+)@")
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

    def value(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """JSON without the secrets in its texts, names and numbers."""
        match value:
            case None | bool():
                return value
            case str():
                return self(value)
            case Mapping():
                return {self.value(name): self.value(each) for name, each in value.items()}
            case list() | tuple():
                return [self.value(each) for each in value]
        return value if (text := str(value)) == (masked := self(text)) else masked

    def content(self, content: bytes) -> bytes:
        """The content of a file without the secrets, and otherwise the same byte for byte."""
        return self._in_bytes.sub(MASK.encode(), content)


_at_work: list[Redactor] = []  # of the runs that this process is busy with


def secret_settings() -> list[str]:
    """What settings and environment hold by names that say that it is secret; passwords in them; and
    the secrets of resources.

    An adopter's own variable needs no setting: a task may read it from the environment.
    """
    named = [getattr(settings, name) for name in dir(settings) if _SECRET_SETTING.search(name)]
    passwords = [database.get("PASSWORD") for database in settings.DATABASES.values()]
    found = _texts([*named, *passwords, *_secrets_of_the_environment()])
    declared = [text for text in secrets_of_resources() if len(text) >= SHORTEST_DECLARED]
    return [text for text in found if len(text) >= SHORTEST_SETTING] + declared


def _secrets_of_the_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name):
            yield value
        elif found := _PASSWORD_IN_URL.match(value):
            yield from {found[1], unquote(found[1])}


@contextmanager
def masking_the_log(redact: Redactor) -> Iterator[None]:
    """Have what this process logs go through `redact` while the block runs, from every thread."""
    _at_work.append(redact)
    try:
        yield
    finally:
        _at_work.remove(redact)


class MaskingFormatter(logging.Formatter):
    """Writes a log entry, traceback included, without the secrets of settings and present runs.

    Its clock is UTC, as that of the web server's own lines: the zone that people read is a setting.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = "%s,%03d +0000"

    def format(self, record: logging.LogRecord) -> str:
        """The finished text of the entry."""
        return _masked(super().format(record))


class MaskingStream:
    """Standard output, or errors, without the secrets of settings and present runs.

    It goes by lines: a secret may be printed in pieces. What a task writes past Python, by the
    number of the file or in another process, does not come by here.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        self._turn = threading.RLock()

    def write(self, text: str) -> int:
        """Write the lines that are whole by now."""
        with self._turn:
            whole, end, self._line = (self._line + text).rpartition("\n")
            self._stream.write(_masked(whole) + end)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is there, also without the end of its line."""
        with self._turn:
            line, self._line = self._line, ""
            self._stream.write(_masked(line))
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)


def mask_what_is_printed() -> None:
    """Have what this process prints from now on go through the redactors of its log."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, MaskingStream):
            setattr(sys, name, MaskingStream(stream))


def _masked(text: str) -> str:
    for redact in (without_settings(), *_at_work):
        text = redact(text)
    return text


def without_settings() -> Redactor:
    """What gives a text without the secrets of settings and resources."""
    return _without(tuple(secrets_of_resources()))


@lru_cache(maxsize=2)  # resources are declared while the tasks are loaded
def _without(_declared: tuple[str, ...]) -> Redactor:
    return Redactor(secret_settings())


@receiver(setting_changed)
def _forget(**_: object) -> None:
    """Settings change in tests only."""
    _without.cache_clear()


def _forms(secret: str) -> Iterator[str]:
    """How a secret may be written: as it is, stripped, by lines, and as programs encode it."""
    lines = [line.strip() for line in secret.splitlines()]
    several = [line for line in lines if len(line) >= SHORTEST_LINE] if len(lines) > 1 else []
    for text in {secret, secret.strip(), *several} - {""}:
        yield from (text, quote(text), quote(text, safe=""), quote_plus(text))
        yield from (repr(text)[1:-1], json.dumps(text)[1:-1])
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield from _in_base64(text.encode(errors="replace"))


def _in_base64(secret: bytes) -> Iterator[str]:
    """The secret in Base64, by itself and inside of something longer, such as “user:password”.

    Three bytes make four characters: what stands before it decides which of three texts it becomes.
    A character that it shares with what stands around it says too little to be masked.
    """
    yield from _both_alphabets(base64.b64encode(secret).decode().rstrip("="))
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret + b"\0\0").decode()
        own = whole[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(own) >= SHORTEST_INSIDE:
            yield from _both_alphabets(own)


def _both_alphabets(text: str) -> Iterator[str]:
    yield from (text, text.replace("+", "-").replace("/", "_"))


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)
