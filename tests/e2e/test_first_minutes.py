"""The first five minutes of the README, word for word, on a demo that nothing has been done in. S62."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_journey import REASON, expect_status, open_task, pick, status, waiting

pytestmark = pytest.mark.e2e

README: Final = Path(__file__).resolve().parent.parent.parent / "README.md"
STEPS: Final[list[Callable[["Walk"], None]]] = []


def step(function: Callable[["Walk"], None]) -> Callable[["Walk"], None]:
    """A step of the README: its words are the docstring, word for word."""
    STEPS.append(function)
    return function


class Walk:
    """Who takes part, each in a browser of their own, and what they come back to."""

    def __init__(self, sign_in: Callable[[str], Page]) -> None:
        self._sign_in = sign_in
        self._people: dict[str, Page] = {}
        self.credit = ""  # the run of step 2

    def __getitem__(self, name: str) -> Page:
        if name not in self._people:
            self._people[name] = self._sign_in(name)
        return self._people[name]

    def request_credit(self, amount: str, why: str) -> Page:
        """As sam, up to the page that says what will change."""
        sam = self["sam"]
        open_task(sam, "Issue account credit")
        assert "A-10001" in pick(sam, "Account", "A-10001")
        sam.get_by_label(re.compile("^Amount")).fill(amount)
        sam.get_by_label(REASON).fill(why)
        sam.get_by_role("button", name="Submit").click()
        expect(sam.get_by_role("heading", name="Check before it runs")).to_be_visible()
        return sam

    def find_in_inbox(self, name: str, words: str) -> Page:
        page = self[name]
        page.goto("/")
        page.locator("#sidebar").get_by_role("link", name=re.compile("^Inbox")).click()
        page.get_by_role("main").get_by_role("link", name=re.compile(words)).first.click()
        expect(page.get_by_role("heading", name="What will change")).to_be_visible()
        return page


@step
def at_once(walk: Walk) -> None:
    """Sign in as `sam`, open the **Catalogue** and **Issue account credit**. Choose the account A-10001, enter 100.00 and a reason,
    and submit. The next page says what will change: press **Run now**. The run's page shows the log and the result as they arrive.
    """
    sam = walk.request_credit("100.00", "The parcel came late")
    expect(sam.get_by_role("main")).to_contain_text("What will change")
    sam.get_by_role("button", name="Run now").click()
    expect_status(sam, "Succeeded")
    expect(sam.locator("[data-part=log]")).to_contain_text("credits 100.00 USD")
    expect(sam.locator("[data-part=outcome]")).to_contain_text("New balance")


@step
def waits(walk: Walk) -> None:
    """Request 150.00 for the same account. The next page names the credit of a moment ago. Confirm it. This one awaits approval: a
    support manager has to approve when an account gets more than 100 within 24 hours, and this one would get 250.
    """
    sam = walk.request_credit("150.00", "The second parcel came late, too")
    expect(sam.get_by_role("main")).to_contain_text("100.00 USD")
    sam.get_by_role("button", name="Request approval").click()
    sam.wait_for_url(re.compile("/tasks/run/"))
    assert status(sam) == "Awaiting approval"
    expect(sam.get_by_role("main")).to_contain_text("250.00")
    walk.credit = sam.url


@step
def approved(walk: Walk) -> None:
    """In a private window sign in as `mona`. A number stands beside **Inbox**. Open the request for A-10001: it shows
    the requester, the account, the reason, the balance before and after, and the rule. Approve it, and
    watch sam's window.
    """
    assert waiting(walk["mona"]) > 0
    mona = walk.find_in_inbox("mona", "A-10001.*150.00")
    shown = mona.get_by_role("main")
    for words in ("Sam Rivera", "A-10001", "The second parcel", "Balance of", "Support Managers"):
        expect(shown).to_contain_text(words)
    if folder := os.environ.get("SCREENSHOTS"):  # the README's picture: docs/images/request.png
        mona.screenshot(path=f"{folder}/request.png")
    mona.get_by_role("button", name="Approve").click()
    expect_status(walk["sam"], "Succeeded")


@step
def not_by_oneself(walk: Walk) -> None:
    """Try to approve your own request. As `sam`, request another 150.00 for A-10001 and open the request from the
    run's page. You can read it, and there is no button to approve it. Sign in as `erin`, a superuser: she cannot
    approve it either.
    """
    sam = walk.request_credit("150.00", "The third parcel")
    sam.get_by_role("button", name="Request approval").click()
    sam.wait_for_url(re.compile("/tasks/run/"))
    sam.get_by_role("main").get_by_role(
        "link", name=re.compile("request", re.IGNORECASE)
    ).first.click()
    for page in (sam, walk["erin"]):
        page.goto(sam.url)
        expect(page.get_by_role("heading", name="What will change")).to_be_visible()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)


@step
def refunded(walk: Walk) -> None:
    """As `sam`, open **Refund a payment** and type “Oakline” into the payment field: that shop sells furniture.
    Choose a payment above 200.00 USD, enter its whole amount, and request approval. (If another run for that
    payment is open, choose the next one.) As `mona`, open **Demo mailbox**, which has everything that the demo would have
    sent. Find the newest email to mona and follow its link: a link works only for the person it was sent to.
    Reject the refund, or request changes. Both need a reason, which sam reads. After changes are requested, sam can
    edit and resubmit.
    """
    sam, mona = walk["sam"], walk["mona"]
    amount = refund_above_200(sam)
    run_url = sam.url
    mail = mona.get_by_role("article").filter(has_text="Email to mona@").first
    for _ in range(30):  # a worker sends it; the page shows what was sent when it was opened
        mona.goto("/sent/")
        if amount in mail.inner_text():
            break
        mona.wait_for_timeout(500)
    mail.get_by_role("link", name="Review request").click()
    mona.get_by_role("button", name="Request changes").click()
    expect(mona.get_by_role("alert").first).to_be_visible()
    mona.get_by_role("textbox", name=re.compile("^Reason")).fill("Half of it, please")
    mona.get_by_role("button", name="Request changes").click()
    sam.goto(run_url)
    expect_status(sam, "Changes requested")
    expect(sam.get_by_role("main")).to_contain_text("Half of it, please")
    expect(sam.get_by_role("link", name="Edit and resubmit")).to_be_visible()


def refund_above_200(sam: Page) -> str:
    """Take one payment after another until there is one that nobody else refunds."""
    for number in range(12):
        open_task(sam, "Refund a payment")
        sam.locator(".select2-selection").and_(sam.get_by_role("combobox", name="Payment")).click()
        sam.locator(".select2-search__field").fill("Oakline")
        offered = sam.locator(
            ".select2-results__option--selectable, .select2-results__option[aria-selected]"
        )
        # What the list offered before the search is there for a moment longer.
        expect(offered.filter(has_not_text="Oakline")).to_have_count(0)
        expect(offered.filter(has_text="Oakline").first).to_be_visible()
        dear = [each for each in offered.all() if amount_of(each.inner_text()) > 200]
        if number >= len(dear):
            break
        amount = f"{amount_of(dear[number].inner_text()):.2f}"
        dear[number].click()
        sam.get_by_label(re.compile("^Amount")).fill(amount)
        sam.get_by_label("Reason for the refund").select_option(label="It was charged twice")
        sam.get_by_label(REASON).fill("Charged twice")
        sam.get_by_role("button", name="Submit").click()
        check = sam.get_by_role("heading", name="Check before it runs")
        run = sam.locator("[data-part=state]")
        expect(run.or_(sam.get_by_role("alert")).or_(check).first).to_be_visible()
        if check.count():  # another payment of this customer was refunded of late
            sam.get_by_role("button", name="Request approval").click()
            expect(run).to_be_visible()
        if run.count():
            assert status(sam) == "Awaiting approval"
            return amount
    raise AssertionError("Oakline has no payment above 200.00 USD that can be refunded.")


def amount_of(option: str) -> float:
    found = re.search(r"([\d,]+\.\d\d) USD", option)
    return float(found[1].replace(",", "")) if found else 0


@step
def in_slack(walk: Walk) -> None:
    """As `sam`, request another credit of 150.00 for A-10001. Demo mailbox shows the Slack messages above the emails, and
    the buttons of those to the person who is signed in work: sign in as `mona` to approve there. In real
    Slack each person has their own account.
    """
    sam = walk.request_credit("150.00", "The fourth parcel")
    sam.get_by_role("button", name="Request approval").click()
    sam.wait_for_url(re.compile("/tasks/run/"))
    page = walk["mona"]
    message = page.get_by_role("article").filter(has_text="Slack: to Mona")
    message = message.filter(has_text="The fourth parcel")
    for _ in range(30):
        page.goto("/sent/")
        if message.count():
            break
        page.wait_for_timeout(500)
    message.first.get_by_role("button", name="Approve").click()
    expect_status(sam, "Succeeded")


@step
def stopped(walk: Walk) -> None:
    """As `mona`, open **Stopped tasks** and stop everything that moves money. Nobody can request or run it now, and
    queued runs do not start. Sign in as `max` and request the restart. It takes effect when `mona` approves it.
    """
    mona, sam = walk["mona"], walk["sam"]
    mona.goto("/")
    mona.get_by_role("link", name="Stopped tasks").click()
    what = mona.get_by_label(re.compile("^What"))
    money = what.locator("option").filter(has_text=re.compile("moves? money"))
    what.select_option(value=money.get_attribute("value"))
    mona.get_by_label(REASON).fill("A customer saw wrong numbers")
    mona.get_by_role("button", name="Stop now").click()
    open_task(sam, "Issue account credit")
    expect(sam.get_by_text("Nothing can be requested now")).to_be_visible()

    maximilian = walk["max"]
    maximilian.get_by_role("link", name="Stopped tasks").click()
    maximilian.get_by_label("Why is it safe to restart?").fill("The numbers are right again")
    maximilian.get_by_role("button", name="Request restart").click()
    mona.goto("/tasks/stop/")
    mona.get_by_role("link", name="It needs a second person.").click()
    mona.get_by_role("button", name="Approve").click()
    open_task(sam, "Issue account credit")
    expect(sam.get_by_role("button", name="Submit")).to_be_visible()


@step
def read(walk: Walk) -> None:
    """Sign in as `carl`, open the run of the credit and read its timeline. Then open **Change history** under **Audit log**,
    choose *Runs*, and download the file.
    """
    carl = walk["carl"]
    carl.goto(walk.credit)
    expect(carl.locator(".bo-timeline").last).to_contain_text("approved", ignore_case=True)
    carl.get_by_role("link", name="Change history", exact=True).first.click()
    carl.get_by_role("main").get_by_role("link", name=re.compile("^runs$", re.IGNORECASE)).click()
    with carl.expect_download() as download:
        carl.get_by_role("button", name="Download CSV (spreadsheet)").click()
    assert "The second parcel came late" in Path(download.value.path()).read_text("utf-8-sig")


@step
def changed(walk: Walk) -> None:
    """Sign in as `erin`, open **Issue account credit**, then **Settings**. Open the rule, replace 100 by 50 in its condition, and
    press **Test against the last 90 days**. Enter a reason and submit it for approval. Nothing changes until `evan`
    approves: he finds the request in his inbox, with the rule before and after. The old version then stays on the page under
    *Earlier versions*.
    """
    settings = change_the_rule(walk, "100", "50")
    earlier = settings.get_by_role("region", name="Earlier versions")
    expect(earlier).to_contain_text("> 100")


def change_the_rule(walk: Walk, old: str, new: str) -> Page:
    """As the README says it. Once more with the numbers exchanged, the demo is as it was."""
    erin = walk["erin"]
    open_task(erin, "Issue account credit")
    erin.get_by_role("main").get_by_role("link", name=re.compile("Settings")).click()
    settings = erin.url
    erin.get_by_role("main").get_by_role(
        "link", name=re.compile("^Change or end the rule Credits above")
    ).click()
    value = erin.get_by_label("Value", exact=True)
    expect(value).to_have_value(old)
    value.fill(new)
    erin.get_by_role("button", name="Test against the last 90 days").click()
    expect(erin.locator("#answer")).to_contain_text("would have needed approval")
    erin.get_by_label("Reason for the change").fill(f"From {old} to {new}")
    erin.get_by_role("button", name="Submit for approval").last.click()
    expect(erin.get_by_role("main")).to_contain_text("Submitted for approval")

    evan = walk.find_in_inbox("evan", "Change the rule .Credits above")
    for number in (old, new):
        expect(evan.locator(".bo-diff").first).to_contain_text(number)
    evan.get_by_role("button", name="Approve").click()
    expect(evan.get_by_role("button", name="Approve")).to_have_count(0)
    erin.goto(settings)
    return erin


def steps_of_the_readme() -> list[str]:
    """Each with its words, whatever the lines they are on."""
    section = README.read_text().split("## The first five minutes\n", 1)[1].split("\n## ", 1)[0]
    return [
        " ".join(words.split()) for words in re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]
    ]


def test_the_first_five_minutes_of_the_readme(sign_in):
    written = [" ".join((each.__doc__ or "").split()) for each in STEPS]
    assert written == steps_of_the_readme(), (
        "The README has changed: change the steps here with it."
    )
    walk = Walk(sign_in)
    for each in STEPS:
        each(walk)
    change_the_rule(walk, "50", "100")  # for the tests that follow
