"""Which values of a task's form may be kept for a person whose session had ended."""

from collections.abc import Iterator

from django.http import QueryDict

from audit.admin.unsent import Fields
from tasks.admin.pages import declared_by
from tasks.models import Task

OURS = ("run-reason", "run-ticket", "run-reviewers", "run-again", "run-undo", "run-revise")


def typed_values(slug: str, sent: QueryDict) -> Fields:
    """What was sent, but for secrets, files, and what no parameter or field of ours is called."""
    task = Task.objects.filter(slug=slug).first()
    names = set(_harmless(task)) if task else set()
    return {name: values for name, values in sent.lists() if name in OURS or name in names}


def _harmless(task: Task) -> Iterator[str]:
    for parameter in declared_by(task):
        if parameter.kind.can_be_filled_in:
            yield from parameter.inputs
