"""What `manage.py check` says of scripts and of where they run."""

import json
import shutil

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, register

from tasks.contrib.script.isolation import MODES, bubblewrap_works
from tasks.declaration.registry import registry

NAME = "script"
HINT = (
    "Install bubblewrap where the workers run, and let them use user namespaces: see "
    "docs/how-to/make-a-task-of-a-script.md. Or set SCRIPT_SANDBOX."
)


@register("tasks")
def check_sandbox_setting(**_: object) -> list[CheckMessage]:
    """SCRIPT_SANDBOX is one of its words."""
    if settings.SCRIPT_SANDBOX in MODES:
        return []
    return [
        Error(
            f"SCRIPT_SANDBOX is {settings.SCRIPT_SANDBOX!r}.",
            hint=f"Write one of {', '.join(MODES)}.",
            id="tasks.E030",
        )
    ]


@register("tasks", deploy=True)
def check_sandbox(**_: object) -> list[CheckMessage]:
    """Whether bubblewrap works here, for a deployment with scripts. It is tried once."""
    if all(task.kind.name != NAME for task in registry.all()):
        return []
    if settings.SCRIPT_SANDBOX == "off":
        return [Info("Scripts run without a sandbox: SCRIPT_SANDBOX is off.", id="tasks.I032")]
    if bubblewrap_works():
        return []
    if settings.SCRIPT_SANDBOX == "required":
        why = "bubblewrap does not work here: every run of a script is refused."
        return [Error(why, hint=HINT, id="tasks.E031")]
    return [
        checks.Warning(
            "Scripts run without a sandbox: bubblewrap does not work here.",
            hint=HINT,
            id="tasks.W031",
        )
    ]


@register("tasks")
def check_interpreters(**_: object) -> list[CheckMessage]:
    """What runs a script is installed here. For information: a web server need not have it."""
    found: list[CheckMessage] = []
    for task in registry.all():
        if task.kind.name == NAME:
            script, how = json.loads(task.kind.content["how"])
            program = next(iter(how["interpreter"]), "")
            if program and shutil.which(program) is None:
                what = f"{program}, which runs {script}, is not installed on this machine."
                hint = "Install it where the workers run. Until then its runs are refused."
                found.append(Info(f"{task.file}:{task.line}: {what}", hint=hint, id="tasks.I033"))
    return found
