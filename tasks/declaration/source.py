"""Where a function was written, and a fingerprint of what it says."""

import hashlib
import inspect
from collections.abc import Callable
from types import CodeType


def location(function: Callable[..., object]) -> tuple[str, int]:
    """The file and the first line of a function, below any decorators that wrap it."""
    code = _code(function)
    return (code.co_filename, code.co_firstlineno) if code else ("(unknown file)", 0)


def fingerprint(*functions: Callable[..., object] | None) -> str:
    """SHA-256, in hex, of the source of the functions.

    Where no source is at hand (a compiled module, an interactive shell), the byte code and its
    constants stand in for it.
    """
    parts = [source(function) if function else "" for function in functions]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def source(function: Callable[..., object]) -> str:
    """The text of a function, decorators included, or else of its byte code."""
    unwrapped = inspect.unwrap(function)
    try:
        return inspect.getsource(unwrapped)
    except (OSError, TypeError):
        code = _code(function)
        return _described(code) if code else _name(unwrapped)


def _code(function: Callable[..., object]) -> CodeType | None:
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:  # a partial, or an object with __call__
        inner = getattr(function, "func", None) or type(function).__call__
        code = getattr(inner, "__code__", None)
    return code


def _described(code: CodeType) -> str:
    # Nested functions are constants too, and their repr holds an address that changes per process.
    constants = [_described(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts]
    return repr((code.co_name, code.co_code.hex(), code.co_names, code.co_varnames, constants))


def _constant(value: object) -> str:
    # The order in which a frozenset shows its members differs from process to process.
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(repr, value))})"
    return repr(value)


def _name(function: Callable[..., object]) -> str:
    kind = type(function)
    return getattr(function, "__qualname__", f"{kind.__module__}.{kind.__qualname__}")
