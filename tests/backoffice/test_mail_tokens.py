"""The tokens of links in emails get into no log, whatever becomes of the request. With the real settings."""

import io
import logging
from logging import StreamHandler
from types import SimpleNamespace

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from gunicorn.config import Config  # type: ignore[import-untyped]

from approvals.admin.email_links import open_link
from backoffice.access_log import WithoutTokens

TOKEN = "hV7-who-has-this-is-shown-a-request"


class Broken(Exception):
    """A fault of the code that names what it was given."""


def broken(request: HttpRequest, token: str) -> HttpResponse:
    raise Broken(f"{request!r} {request.path}")


urlpatterns = [path("a/<str:token>/", open_link), path("a/<str:token>/broken/", broken)]


@pytest.fixture
def log():
    """What this process writes, as the settings have set it up: there is no other way out."""
    (console,) = [each for each in logging.getLogger().handlers if type(each) is StreamHandler]
    assert not logging.getLogger("django").handlers
    written = io.StringIO()
    before = console.setStream(written)
    yield written.getvalue
    console.setStream(before)


@pytest.mark.urls(__name__)
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "address", "said"),
    [
        ("post", f"/a/{TOKEN}/", "Method Not Allowed (POST): /a/…"),
        ("get", f"/a/{TOKEN}", "Not Found: /a/…"),
        ("get", f"/a/{TOKEN}/broken/", "Internal Server Error: /a/…"),
        ("get", f"/a/{TOKEN}/nowhere/", "Not Found: /a/…"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_django_s_own_warnings_hide_them(log, settings, debug, method, address, said):
    settings.DEBUG, settings.APPEND_SLASH = debug, False
    getattr(Client(raise_request_exception=False), method)(address)
    written = log()
    assert said in written
    assert TOKEN not in written
    assert ("Broken: <WSGIRequest: GET '/a/…" in written) == ("broken" in address)


def test_so_does_gunicorn(capsys):
    """Its own line of a request, and what it says of one that it could not handle."""
    config = Config()
    config.set("accesslog", "-")
    logger = WithoutTokens(config)
    logger.error("Error handling request %s", f"/a/{TOKEN}/")
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": f"/a/{TOKEN}/",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": f"https://there/a/{TOKEN}/",
    }
    request = SimpleNamespace(headers=[])
    response = SimpleNamespace(status="404", headers=[], sent=0)
    taken = SimpleNamespace(seconds=0, microseconds=0)
    atoms = logger.atoms(response, request, environ, taken)
    written = f"{atoms} {capsys.readouterr()}"
    assert "Error handling request /a/…" in written
    assert TOKEN not in written
