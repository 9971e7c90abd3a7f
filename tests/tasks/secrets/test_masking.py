"""Secrets removed from texts by value. No database."""

import base64
import io
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from backoffice.access_log import WithoutTokens
from tasks.secrets.masking import (
    MASK,
    MaskingFormatter,
    MaskingStream,
    Redactor,
    masking_the_log,
    secret_settings,
)

CANARY = 'cänary "4711"\\x/y+z'
KEY = "-----BEGIN KEY-----\nMIICdgIBADANBgkqh\nkiG9w0BAQEFAASC\n-----END KEY-----"


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        f"  {CANARY}\n",
        repr(CANARY),
        json.dumps({"key": CANARY}),
        json.dumps({"key": CANARY}, ensure_ascii=False),
        f"https://x.example/?key={quote(CANARY)}",
        f"https://x.example/?key={quote(CANARY, safe='')}",
        f"https://x.example/?key={quote_plus(CANARY)}",
        f"Authorization: Basic {base64.b64encode(CANARY.encode()).decode()}",
    ],
)
def test_a_secret_is_found_however_it_is_written(written):
    said = Redactor([CANARY])(f"before {written} after")
    assert MASK in said
    assert "4711" not in said
    assert base64.b64encode(CANARY.encode()).decode()[:8] not in said
    assert said.startswith("before")
    assert said.endswith("after")


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "someone:", "https://user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_found_inside_of_something_in_base64(before, encode):
    """Such as HTTP Basic, the commonest form in the errors of libraries."""
    secret = "hunter2>>?-canary"
    whole = encode(f"{before}{secret}@host".encode()).decode()
    said = Redactor([secret])(f"Authorization: Basic {whole}")
    assert MASK in said
    left = said.removeprefix("Authorization: Basic ").replace(MASK, "")
    assert len(left) <= len(encode(f"{before}@host".encode())) + 4


def test_a_short_secret_hides_no_common_words():
    said = "The refund of user 12345 was sent. Base64: dXNlcjphYmM="
    assert Redactor(["abc"])(said) == said


def test_what_the_environment_calls_secret_is_one(monkeypatch):
    """A task reads it from there: an own setting is not needed."""
    monkeypatch.setenv("ACME_API_TOKEN", "canary-acme-4711")
    monkeypatch.setenv("acme_db_passwd", "canary-lower-4711")
    monkeypatch.setenv("ACME_URL", "https://me:canary%2Furl@acme.example/")
    monkeypatch.setenv("ACME_KEY", "short")
    monkeypatch.setenv("KEYBOARD", "canary-keyboard")
    found = set(secret_settings())
    assert {"canary-acme-4711", "canary-lower-4711", "canary%2Furl", "canary/url"} <= found
    assert not {"short", "canary-keyboard"} & found


def test_what_is_printed_holds_no_secret():
    out = io.StringIO()
    stream = MaskingStream(out)
    with masking_the_log(Redactor(["canary-4711"])):
        print("with", "canary-", end="", file=stream)
        print("4711", 4711, file=stream)
        print("and canary-4711", end="", file=stream, flush=True)
        stream.writelines(["canary-4711\n", "end"])
    assert out.getvalue() == f"with {MASK} 4711\nand {MASK}{MASK}\n"
    stream.flush()
    assert out.getvalue().endswith("end")


def test_each_line_of_a_long_secret_is_a_secret():
    assert "kiG9w0BAQEFAASC" not in Redactor([KEY])("Bad line: kiG9w0BAQEFAASC")


def test_a_secret_that_holds_another_is_masked_whole():
    assert Redactor(["abc", "abcdef"])("abcdef") == MASK


def test_what_is_no_secret_stays_as_it_is():
    assert Redactor([CANARY, ""])("Refunded 12.00 USD (100 %).") == "Refunded 12.00 USD (100 %)."
    assert Redactor([])("Refunded") == "Refunded"


def test_what_the_database_cannot_keep_is_replaced():
    assert Redactor([])("a\x00b\ud800c") == "a\ufffdb\ufffdc"


def test_a_file_keeps_its_bytes_but_for_the_secret():
    content = bytes(range(256)) + b"canary-4711" + bytes(range(256))
    safe = Redactor(["canary-4711"]).content(content)
    assert safe == bytes(range(256)) + MASK.encode() + bytes(range(256))
    assert Redactor([]).content(content) == content


def test_settings_that_are_secret_are_known_by_their_names(settings, monkeypatch):
    settings.STRIPE_API_KEY = "canary-stripe"
    settings.METRICS_TOKEN = "canary-token"
    settings.SECRET_KEY_FALLBACKS = ["canary-old-key"]
    settings.SOME_WEBHOOK_SECRET = "canary-webhook"
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "canary-database")
    found = set(secret_settings())
    assert {
        "canary-stripe", "canary-token", "canary-old-key", "canary-webhook", "canary-database",
        settings.SECRET_KEY,
    } <= found  # fmt: skip
    assert settings.STRIPE_API_BASE not in found
    assert settings.AUTH_USER_MODEL not in found


def entry(text: str, error=None) -> logging.LogRecord:
    info = error and (type(error), error, error.__traceback__)
    return logging.LogRecord("x", logging.ERROR, __file__, 1, text, (), info)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_the_log_has_one_clock_whatever_the_zone_of_the_people(settings, zone):
    settings.TIME_ZONE = zone  # Django makes it the zone of the process
    record = entry("x")
    record.created, record.msecs = 0.0, 0.0
    written = MaskingFormatter("{asctime}", style="{").format(record)
    assert written == "1970-01-01 00:00:00,000 +0000"
    gunicorns = WithoutTokens(Config())
    assert gunicorns.now().endswith("+0000]")
    (own,) = {
        h.formatter
        for h in gunicorns.error_log.handlers
        if h.formatter.datefmt == gunicorns.datefmt
    }
    assert "1970-01-01 00:00:00 +0000" in own.format(record)


def test_no_log_entry_holds_a_secret_of_the_settings(settings):
    settings.STRIPE_API_KEY = "canary-stripe"
    assert MaskingFormatter().format(entry("with canary-stripe")) == f"with {MASK}"


def test_no_log_entry_holds_a_secret_of_a_run_that_goes_on():
    said = MaskingFormatter()
    with masking_the_log(Redactor(["canary-4711"])):
        assert "canary" not in said.format(entry("failed", ValueError("canary-4711")))
    assert said.format(entry("canary-4711")) == "canary-4711"


def test_the_products_own_log_is_written_by_that_formatter(settings):
    assert settings.LOGGING["root"]["handlers"] == ["console"]
    formatter = settings.LOGGING["handlers"]["console"]["formatter"]
    assert (
        settings.LOGGING["formatters"][formatter]["class"]
        == "tasks.secrets.masking.MaskingFormatter"
    )
