"""Imports the modules that may hold tasks: those that are named, and no others."""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from types import ModuleType


class NoSuchTaskModule(ImportError):
    """A name in TASK_MODULES leads nowhere."""


def import_modules(names: Sequence[str]) -> list[ModuleType]:
    """Import each module, and for a package the modules directly inside it too.

    Raises NoSuchTaskModule for a name that leads nowhere. What a module itself raises is raised
    on: a process that cannot load all of its tasks does not start.
    """
    return [module for name in names for module in _with_children(name)]


def _with_children(name: str) -> Iterator[ModuleType]:
    module = _imported(name)
    yield module
    if hasattr(module, "__path__"):
        for child in sorted(info.name for info in pkgutil.iter_modules(module.__path__)):
            if child != "__main__":
                yield _imported(f"{name}.{child}")


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A module that exists and fails on an import of its own tells its own story.
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise NoSuchTaskModule(
                f"TASK_MODULES names {name!r}, and there is no module {error.name!r}. Correct the "
                "name in the settings, or install the package that holds it.",
                name=name,
            ) from error
        raise
    except Exception as error:
        error.add_note(f"This happened while loading {name!r}, which TASK_MODULES names.")
        raise
