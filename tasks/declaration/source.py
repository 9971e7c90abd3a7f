"""Where a function was written, and a fingerprint of what it does."""

import ast
import hashlib
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final
from uuid import UUID

PLAIN: Final = (bool, int, float, str, bytes, Decimal, date, time, timedelta, UUID, type(None))
NAMED: Final = (type, ModuleType, BuiltinFunctionType)  # what is known by its name alone
DEEPEST: Final = 20  # levels of what a function holds
_REGISTER: Final = {
    "task"
}  # decorators whose arguments have no effect that is not hashed elsewhere


def registers[D: Callable[..., object]](decorator: D) -> D:
    """Mark the decorator of a kind of task: what stands in its parentheses is no part of the function.

    Arguments such as `owner` change nothing that a run does. What does, such as a query, belongs
    into the kind's `content`.
    """
    _REGISTER.add(decorator.__name__)
    return decorator


def location(function: Callable[..., object]) -> tuple[str, int]:
    """The file and the first line of a function, below any decorators that wrap it."""
    code = _code(function)
    return (code.co_filename, code.co_firstlineno) if code else ("(unknown file)", 0)


def location_of_caller() -> tuple[str, int]:
    """The file and the line from which the function that asks this was called."""
    frame = inspect.stack(context=0)[2]
    return frame.filename, frame.lineno


def fingerprint(*parts: object) -> str:
    """SHA-256, in hex, of functions with the values they were made with, and of plain values.

    It does not move with comments, layout, the docstring and the arguments of `@task` and its like. Of an object
    that is no plain value only the type counts: what it holds may differ from process to process.
    """
    return hashlib.sha256("\0".join(_described(part, ()) for part in parts).encode()).hexdigest()


def _described(value: Any, above: tuple[int, ...]) -> str:  # noqa: ANN401 -- whatever a function holds
    """A text that two values share where a function does the same with them."""
    if isinstance(value, PLAIN) and not isinstance(value, Enum):
        return f"{type(value).__name__}:{value!r}"
    if id(value) in above:
        return "itself"  # a function that calls itself is in its own closure
    if len(above) == DEEPEST:
        return _kind(value)
    above = (*above, id(value))
    return f"{_kind(value)}({', '.join(_parts(value, above))})"


def _parts(value: Any, above: tuple[int, ...]) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, FunctionType):
        yield from _of_function(value, above)
    elif not isinstance(value, NAMED):
        held = _held_by(value)
        texts = [_described(each, above) for each in held]
        # The order of a set differs from process to process.
        yield from sorted(texts) if isinstance(value, (set, frozenset)) else texts


def _held_by(value: Any) -> Iterable[Any]:  # noqa: ANN401
    """What an object consists of, as far as that is the same in every process."""
    for types, parts in _HELD:
        if isinstance(value, types):
            return parts(value)
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name, None)) for field in fields(value)]
    if callable(value) and isinstance(type(value).__call__, FunctionType):
        return [type(value).__call__, getattr(value, "__dict__", {})]
    wrapped = inspect.getattr_static(value, "__wrapped__", None)  # by `functools.cache`, say
    return [] if wrapped is None else [wrapped]


_HELD: Final[tuple[tuple[Any, Callable[[Any], Iterable[Any]]], ...]] = (
    (Enum, lambda member: [member.value]),
    ((set, frozenset, list, tuple), list),
    (Mapping, lambda mapping: mapping.items()),
    (re.Pattern, lambda pattern: [pattern.pattern, pattern.flags]),
    (partial, lambda call: [call.func, call.args, call.keywords]),
    (MethodType, lambda method: [method.__func__, method.__self__]),
)


def _of_function(function: FunctionType, above: tuple[int, ...]) -> Iterator[str]:
    """Its text, and what that text does not show: defaults, and values from around it."""
    yield _text(function)
    yield _described(function.__defaults__, above)
    yield _described(function.__kwdefaults__, above)
    for cell in function.__closure__ or ():
        try:
            yield _described(cell.cell_contents, above)
        except ValueError:  # not filled yet
            yield "empty"
    if wrapped := getattr(function, "__wrapped__", None):
        yield _described(wrapped, above)


def _kind(value: object) -> str:
    named: Any = value if isinstance(value, NAMED) else type(value)
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', named.__name__)}"


def _text(function: FunctionType) -> str:
    """What a function says; or else its byte code, where its source is not at hand."""
    try:  # of the code, since that of a function is looked for below what wraps it
        return _without_what_has_no_effect(inspect.getsource(function.__code__))
    except (OSError, TypeError):
        return _code_in_words(function.__code__)


def made_when_imported(function: Callable[..., object], calls: Collection[str]) -> list[str]:
    """The parameters whose defaults call one of these, such as the clock: once, for all runs."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    try:
        nodes = _parsed(inspect.getsource(code)) if code else []
    except (OSError, SyntaxError):
        return []
    found = []
    for node in nodes[:1]:
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args]
            last = given[len(given) - len(node.args.defaults) :]
            pairs = [*zip(last, node.args.defaults, strict=True)]
            pairs += [
                (a, d)
                for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                if d
            ]
            found += [name.arg for name, default in pairs if _calls_one_of(default, calls)]
    return found


def _calls_one_of(default: ast.expr, names: Collection[str]) -> bool:
    calls = (node.func for node in ast.walk(default) if isinstance(node, ast.Call))
    return any(ast.unparse(called).rpartition(".")[2] in names for called in calls)


def _without_what_has_no_effect(source: str) -> str:
    """The text in one layout, without comments, docstring and `@task(...)`."""
    try:
        nodes = _parsed(source)
    except SyntaxError:  # a lambda among the arguments of a call
        return source
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.decorator_list = [each for each in node.decorator_list if not _registers(each)]
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return "\n".join(ast.unparse(node) for node in nodes)


def _parsed(source: str) -> list[ast.stmt]:
    """The statements of a text that may stand further in, as a method does. Raises SyntaxError."""
    inside = source[:1].isspace()
    tree = ast.parse(f"if 1:\n{source}" if inside else source)
    first = tree.body[0]
    return first.body if inside and isinstance(first, ast.If) else tree.body


def _registers(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).rpartition(".")[2] in _REGISTER


def _code(function: Callable[..., object]) -> CodeType | None:
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:  # a partial, or an object with __call__
        inner = getattr(function, "func", None) or getattr(type(function), "__call__", None)  # noqa: B004
        code = getattr(inner, "__code__", None)
    return code


def _code_in_words(code: CodeType) -> str:
    # Nested functions are constants too, and their repr holds an address that changes per process.
    constants = [
        _code_in_words(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts
    ]
    return repr((code.co_name, code.co_code.hex(), code.co_names, code.co_varnames, constants))


def _constant(value: object) -> str:
    # The order in which a frozenset shows its members differs from process to process.
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(repr, value))})"
    return repr(value)
