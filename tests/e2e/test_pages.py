"""Every page of every role in a browser: no error, no barrier, not too wide, not too heavy.

One walk along the links of each role. A page whose parts have been looked at as somebody else's is
opened and not looked at again. S31, S51.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.conftest import PHONE, WIDE
from tests.icons import kept

pytestmark = pytest.mark.e2e

# Who sees most comes first, so that less is left to look at for the others.
ROLES: Final = ("erin", "carl", "mona", "sam", "olga")
NARROW: Final[ViewportSize] = {"width": 320, "height": 844}
HEAVIEST: Final = 400_000  # bytes of a first load
MOST_REQUESTS: Final = 14  # fewer than fifteen

# What a page is made of: its elements and their classes, each once.
SHAPE: Final = """() => {
  const parts = new Set();
  for (const each of document.querySelector("main").querySelectorAll("*")) {
    parts.add(`${each.localName}.${each.getAttribute("class")}.${each.getAttribute("role")}.${each.type}`);
  }
  return [...parts].sort();
}"""
LINKS: Final = """() => Array.from(document.querySelectorAll("a[href]"), (link) => link.href)"""
WIDER: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Of each icon: its name, whether screen readers leave it out, and its width in its own size.
ICONS: Final = """() => Array.from(document.querySelectorAll(".material-symbols-outlined"), (icon) => {
  const range = document.createRange();
  range.selectNodeContents(icon);
  const size = parseFloat(getComputedStyle(icon).fontSize);
  return [icon.textContent.trim(), icon.closest("[aria-hidden=true]") !== null,
          range.getBoundingClientRect().width / size];
})"""


def kind(address: str) -> str:
    """The same for pages that differ in the object they show."""
    parts = urlsplit(address)
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)", "*", parts.path)
    path = re.sub(r"(/audit/history/)[a-z.]+/", r"\1*/", path)
    path = re.sub(r"(/tasks/task/)[a-z][a-z-]*/(?=.)", r"\1*/", path)  # below a task, not its form
    names = sorted(name.partition("=")[0] for name in parts.query.split("&") if name)
    return f"{path}?{'&'.join(names)}"


def walk(page: Page, start: str = "/") -> Iterator[str]:
    """Open one page of each kind that links lead to. Yields its address."""
    page.goto(start)
    base = page.url.rstrip("/")
    seen, ahead = {kind(page.url)}, deque([page.url])
    while ahead:
        if (address := ahead.popleft()) != page.url:
            page.goto(address)
        yield address.removeprefix(base)
        for link in page.evaluate(LINKS):
            if leads_to_a_page(link, base) and kind(link) not in seen:
                seen.add(kind(link))
                ahead.append(link)


def leads_to_a_page(link: str, base: str) -> bool:
    if not link.startswith(f"{base}/") or "#" in link:
        return False
    parts = urlsplit(link)
    # Links of emails, in the demo's mailbox, are for one person each.
    is_other = re.search(r"^/a/|/(static|template|download|file)/|\.csv|/log/download", parts.path)
    # Each combination of filters is a page of the same kind as each of them.
    return not is_other and parts.query.count("=") <= 1


def barriers(page: Page, axe: Axe, **options: object) -> list[str]:
    found = axe.run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:160]}"
        for each in found
        if each["impact"] in ("moderate", "serious", "critical")
    ]


def too_wide(page: Page) -> list[str]:
    wide = []
    for size in (PHONE, NARROW):
        page.set_viewport_size(size)
        if (beyond := page.evaluate(WIDER)) > 0:
            wide.append(f"{beyond} px too wide at {size['width']}")
    page.set_viewport_size(WIDE)
    return wide


def too_dark(page: Page, axe: Axe) -> list[str]:
    page.emulate_media(color_scheme="dark")
    found = barriers(page, axe, runOnly=["color-contrast"])
    page.emulate_media(color_scheme="light")
    return [f"in the dark: {each}" for each in found]


def bad_icons(page: Page) -> list[str]:
    """Icons that a screen reader would read out, and words where an icon should be."""
    return [
        f"icon {name}"
        for name, hidden, width in page.evaluate(ICONS)
        if not hidden or name not in kept() or width > 1.5
    ]


def looked_at(page: Page, axe: Axe) -> list[str]:
    """All that is wrong with the page that is open."""
    return barriers(page, axe) + too_wide(page) + too_dark(page, axe)


def test_every_page_of_every_role_has_no_barrier_and_no_error(sign_in):  # S31, S51
    axe, known, opened, wrong = Axe(), set(), 0, []
    for name in ROLES:
        page = sign_in(name)  # which also gathers what the browser complains about
        for path in walk(page):
            opened += 1
            found = bad_icons(page)
            if (parts := set(page.evaluate(SHAPE))) - known:
                known |= parts
                found += looked_at(page, axe)
            wrong += [f"{path} as {name}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)
    assert opened > 100  # or the walk has lost its way


@pytest.mark.parametrize("path", ["/nowhere/", "/audit/event/"])
def test_a_page_that_is_not_there_or_not_allowed_has_no_barrier(demo, browser, sign_in, path):
    signed_in = sign_in("sam")
    page = signed_in.context.new_page()  # the browser reports the status as an error of the page
    page.goto(path)
    expect(page.get_by_role("link", name="Catalogue")).to_be_visible()
    assert looked_at(page, Axe()) == []


def test_the_pages_of_who_is_not_signed_in_have_no_barrier(demo, browser):
    context = browser.new_context(base_url=demo.url, viewport=WIDE)
    page = context.new_page()
    for path in ("/login/", "/a/no-such-link/"):
        page.goto(path)
        assert looked_at(page, Axe()) == []
    context.close()


def bytes_received(page: Page, path: str) -> list[int]:
    """What each request of a page brought, over the network."""
    received: list[int] = []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda each: received.append(each["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    return received


def test_a_first_load_is_light(demo, browser, sign_in):
    first = sign_in("mona")
    first.goto("/approvals/approvalrequest/")
    request = first.locator("main a[href*='/change/']").first.get_attribute("href")
    signed_in = first.context.storage_state()
    pages = (
        "/",
        "/tasks/task/",
        "/tasks/task/issue-credit/",
        "/approvals/approvalrequest/",
        request,
    )
    for path in pages:
        context = browser.new_context(base_url=demo.url, viewport=WIDE, storage_state=signed_in)
        received = bytes_received(context.new_page(), path)
        assert sum(received) < HEAVIEST, path
        assert 3 < len(received) <= MOST_REQUESTS, path
        context.close()


def test_the_frame_is_used_by_keyboard_alone(sign_in):  # S51
    sam = sign_in("sam")
    sam.goto("/tasks/run/")
    sam.keyboard.press("Tab")
    assert focused(sam) == "Skip to content"
    sam.keyboard.press("Enter")
    sam.keyboard.press("Tab")
    assert sam.evaluate("() => document.activeElement.closest('main') !== null")

    account = sam.locator(".bo-account > summary")
    account.focus()
    sam.keyboard.press("Enter")
    names = []
    for _ in range(6):
        sam.keyboard.press("Tab")
        names.append(focused(sam))
    assert names[:3] == ["Light", "Dark", "System"]
    assert {"Change password", "Sign out"} <= set(names)
    sam.keyboard.press("Escape")
    expect(account).to_be_focused()
    expect(sam.get_by_role("button", name="Sign out")).to_be_hidden()


def test_the_menu_of_a_phone_opens_over_the_page_and_closes(sign_in):
    sam = sign_in("sam", viewport=PHONE)
    menu = sam.get_by_role("button", name="Menu", exact=True)
    expect(menu).to_have_attribute("aria-expanded", "false")
    menu.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(sam.locator("#sidebar").get_by_role("link", name="Runs")).to_be_visible()
    sam.keyboard.press("Escape")
    expect(sam.locator("#sidebar")).to_be_hidden()
    expect(menu).to_be_focused()


def test_names_of_the_main_journey_are_words(sign_in):
    sam = sign_in("sam")
    expect(sam.get_by_role("navigation", name="Pages and account")).to_match_aria_snapshot("""
      - navigation "Pages and account":
        - link "Backoffice"
        - list:
          - listitem:
            - link "Home"
          - listitem:
            - link "Catalogue"
          - listitem:
            - link /^Inbox/
          - listitem:
            - link "Runs"
    """)
    sam.goto("/tasks/task/issue-credit/")
    expect(sam.get_by_role("main")).to_match_aria_snapshot("""
      - main:
        - combobox /^Account/
        - textbox /^Amount/
        - combobox /^Currency/
        - textbox /^Reason/
        - button "Submit"
    """)


def test_choosing_a_file_is_no_error(sign_in):
    sam = sign_in("sam")
    sam.goto("/tasks/task/credit-many/")
    sam.locator("input[type=file]").first.set_input_files(
        {"name": "credits.csv", "mimeType": "text/csv", "buffer": b"account,amount,memo\n"}
    )  # what the browser complains about is looked at when everybody has gone


def focused(page: Page) -> str:
    """The words of what has the focus, without those of its icon."""
    return page.evaluate("""() => {
      const copy = document.activeElement.cloneNode(true);
      copy.querySelectorAll("[aria-hidden=true]").forEach((each) => each.remove());
      return copy.textContent.trim();
    }""")
