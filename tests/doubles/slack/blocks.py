"""The limits of Block Kit. Slack refuses a message that breaks one, and says where."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.doubles.slack.wire import Obj, Refused

IN_MESSAGE: Final = 50
IN_VIEW: Final = 100
# Per kind of block or element: the longest text of each of its parts.
TEXTS: Final[Mapping[str, Mapping[str, int]]] = {
    "header": {"text": 150},
    "section": {"text": 3000},
    "button": {"text": 75},
    "confirm": {"title": 100, "text": 300, "confirm": 30, "deny": 30},
    "input": {"label": 2000, "hint": 2000},
    "plain_text_input": {"placeholder": 150},
    "modal": {"title": 24, "submit": 24, "close": 24},
}
STRINGS: Final = {
    "block_id": 255, "action_id": 255, "callback_id": 255, "value": 2000, "url": 3000,
    "private_metadata": 3000,
}  # fmt: skip
PLAIN: Final = frozenset({"header", "button", "input", "plain_text_input", "modal"})
KINDS: Final = frozenset({"header", "section", "actions", "context", "divider", "input"})
STYLES: Final = frozenset({"primary", "danger"})


def check_message(arguments: Obj) -> None:
    """Raise `Refused` for a message that Slack would not take."""
    blocks = arguments.get("blocks") or []
    if not blocks and not arguments.get("text"):
        raise Refused("no_text")
    if len(arguments.get("text") or "") > 40_000:
        raise Refused("msg_too_long")
    _refuse("invalid_blocks", _of_blocks(blocks, IN_MESSAGE))


def check_view(view: Obj) -> None:
    """Raise `Refused` for a modal that Slack would not open."""
    if view.get("type") != "modal":
        raise Refused("invalid_arguments", "view.type must be modal")
    blocks = view.get("blocks") or []
    problems = [*_texts(view, "modal", "/view"), *_strings(view, "/view")]
    problems += _of_blocks(blocks, IN_VIEW)
    if any(block.get("type") == "input" for block in blocks) and not view.get("submit"):
        problems.append("a view with inputs needs submit")
    _refuse("invalid_arguments", problems)


def _refuse(code: str, problems: Any) -> None:
    if found := list(problems):
        raise Refused(code, *found)


def _of_blocks(blocks: list[Obj], most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:/blocks]"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "block_id must be unique [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        yield from _of_block(block, f"/blocks/{number}")


def _of_block(block: Obj, at: str) -> Iterator[str]:
    kind = block.get("type", "")
    if kind not in KINDS:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
    yield from _texts(block, kind, at)
    yield from _strings(block, at)
    if kind == "section":
        yield from _fields(block, at)
    elif kind in ("actions", "context"):
        yield from _elements(block, kind, at)
    elif kind == "input":
        yield from _element(block.get("element") or {}, f"{at}/element")


def _fields(block: Obj, at: str) -> Iterator[str]:
    fields = block.get("fields") or []
    if not fields and not block.get("text"):
        yield f"section needs text or fields [json-pointer:{at}]"
    if len(fields) > 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
    for number, each in enumerate(fields):
        yield from _text(each, 2000, f"{at}/fields/{number}")


def _elements(block: Obj, kind: str, at: str) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= (25 if kind == "actions" else 10):
        yield f"wrong number of elements [json-pointer:{at}/elements]"
    for number, each in enumerate(elements):
        where = f"{at}/elements/{number}"
        yield from _text(each, 3000, where) if kind == "context" else _element(each, where)


def _element(element: Obj, at: str) -> Iterator[str]:
    kind = element.get("type", "")
    if kind not in ("button", "plain_text_input"):
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
    yield from _texts(element, kind, at)
    yield from _strings(element, at)
    if element.get("style", "primary") not in STYLES:
        yield f"invalid style [json-pointer:{at}/style]"
    if element.get("max_length", 3000) > 3000:
        yield f"max_length is 3000 at most [json-pointer:{at}/max_length]"
    if confirm := element.get("confirm"):
        yield from _texts(confirm, "confirm", f"{at}/confirm")


def _texts(owner: Obj, kind: str, at: str) -> Iterator[str]:
    for name, most in TEXTS.get(kind, {}).items():
        if name in owner:
            yield from _text(owner[name], most, f"{at}/{name}")
            if kind in PLAIN and owner[name].get("type") != "plain_text":
                yield f"must be plain_text [json-pointer:{at}/{name}]"


def _text(text: Obj, most: int, at: str) -> Iterator[str]:
    if text.get("type") not in ("plain_text", "mrkdwn"):
        yield f"must be a text object [json-pointer:{at}]"
    length = len(text.get("text") or "")
    if not 1 <= length <= most:
        yield f"must be 1 to {most} characters, is {length} [json-pointer:{at}/text]"


def _strings(owner: Obj, at: str) -> Iterator[str]:
    for name, most in STRINGS.items():
        if len(owner.get(name) or "") > most:
            yield f"must be less than {most} characters [json-pointer:{at}/{name}]"
