"""Whether what a function says it returns is something that a page can show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeAliasType, Union, get_args, get_origin, get_type_hints

from tasks.outputs.kinds import JSON, Chart, KeyValue, Markdown, Table, Text
from tasks.parameters import File, Money

SHOWN: Final = (
    str, Text, Markdown, Money, KeyValue, Mapping, Table, JSON, Chart, File, NoneType,
)  # fmt: skip


def types_not_shown(function: Callable[..., object]) -> list[str]:
    """The types in a return annotation for which there is no kind of output, by their names."""
    try:
        hint = get_type_hints(function).get("return", Any)
    except Exception:  # it names what is there for type checkers only
        return []
    return list(dict.fromkeys(_not_shown(hint)))


def _not_shown(hint: Any) -> Iterator[str]:  # noqa: ANN401 -- a type hint is anything
    if isinstance(hint, TypeAliasType):
        yield from _not_shown(hint.__value__)
        return
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin is Annotated:
        yield from _not_shown(arguments[0])
    elif origin in (Union, UnionType) or (_is_list(origin) and arguments):
        for each in arguments:
            yield from _not_shown(each) if each is not Ellipsis else ()
    elif not _is_shown(origin):
        yield getattr(origin, "__name__", str(origin))


def _is_shown(origin: object) -> bool:
    """Whether there is an output for it, as far as can be told from its type."""
    known = isinstance(origin, type) and origin not in (object, Any)
    return not known or _is_list(origin) or issubclass(origin, SHOWN)  # type: ignore[arg-type]


def _is_list(origin: object) -> bool:
    return isinstance(origin, type) and (
        origin is Sequence or (issubclass(origin, (list, tuple)) and not hasattr(origin, "_fields"))
    )
