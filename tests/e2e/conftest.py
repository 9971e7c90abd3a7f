"""The demo as `make demo` starts it, and a real browser in front of it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from backoffice.demo.mode import PASSWORD

ROOT = Path(__file__).resolve().parent.parent.parent
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_LIMIT = 180.0  # seconds: a slow machine makes tables, data and styles


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first five minutes are on a demo that nothing has been done in, whatever the others' order."""
    items.sort(key=lambda item: item.path.name != "test_first_minutes.py")


@dataclass(frozen=True)
class Demo:
    """A running demo: where its pages are, and where its double of Stripe listens."""

    url: str
    stripe: str

    def effects(self) -> list[dict[str, Any]]:
        """What Stripe has really done."""
        with urllib.request.urlopen(f"{self.stripe}/_ctl/effects") as answer:  # noqa: S310
            found: list[dict[str, Any]] = json.load(answer)["effects"]
        return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    environment = os.environ | {
        "PORT": "0",
        "BACKOFFICE_DATA": str(tmp_path_factory.mktemp("demo")),
    }
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"):
        environment.pop(name, None)  # those of the tests' own database
    process = subprocess.Popen(
        [sys.executable, "-m", "backoffice.demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        url = _address(process)
        yield Demo(url=url, stripe=_stripe_of(process.pid))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def _address(process: subprocess.Popen[str]) -> str:
    """The address that the demo prints when it answers. AssertionError with its words if not."""
    assert process.stdout
    said: list[str] = []
    too_late = threading.Timer(START_LIMIT, process.terminate)
    too_late.start()
    try:
        for line in process.stdout:
            said.append(line)
            if ready := re.match(r"Ready: (http://\S+?)/?$", line):
                return ready[1]
    finally:
        too_late.cancel()
    raise AssertionError("The demo did not start:\n" + "".join(said))


def _stripe_of(pid: int) -> str:
    """Where the demo's double of Stripe listens: its launcher chose a free port for it."""
    children = subprocess.run(
        ["ps", "-ww", "-o", "args=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"tests\.doubles\.stripe --port (\d+)", children)
    assert found, children
    return f"http://127.0.0.1:{found[1]}"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.skip("No Chromium on this machine: install it, or set CHROMIUM to its path.")
    browser = playwright.chromium.launch(executable_path=found, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture
def sign_in(demo: Demo, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A browser of one's own, signed in as one of the demo's people."""
    contexts = []
    faults: list[str] = []

    def sign_in_as(name: str, viewport: ViewportSize = WIDE) -> Page:
        context = browser.new_context(
            base_url=demo.url, viewport=viewport, locale="en-GB", timezone_id="UTC"
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", lambda m: faults.append(m.text) if _is_fault(m) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto("/")
        page.get_by_label("Username or email").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Username or email")).to_have_count(0)
        return page

    yield sign_in_as
    for context in contexts:
        context.close()
    assert not faults, faults  # the Content Security Policy is among what would show here


def _is_fault(message: ConsoleMessage) -> bool:
    # The browser reports a form that came back with an explanation (400, 409, 422), and a page that is gone, too.
    return message.type == "error" and not re.search(r"status of 4(00|04|09|22) ", message.text)


@pytest.fixture(scope="session")
def accessible() -> Callable[[Page], None]:
    """Fails when axe-core finds something serious on a page, or it is wider than its window."""
    axe = Axe()

    def check(page: Page) -> None:
        found = axe.run(page).response["violations"]
        bad = [
            (v["id"], v["help"], [n["html"][:200] for n in v["nodes"][:3]])
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert not bad, f"{page.url}: {bad}"
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, page.url

    return check
