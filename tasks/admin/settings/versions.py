"""Rules that are not in force any more."""

from dataclasses import dataclass

from tasks.admin.pages import declared_by
from tasks.models import ApprovalRule, Task
from tasks.rules.sentences import rule_in_words


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version of a rule that was ended, by whom and why."""

    rule: ApprovalRule
    words: str
    by: str
    why: str


def earlier_versions(task: Task) -> list[Earlier]:
    """Those of a task, the last to end first. Four queries."""
    ended = list(
        task.rules.exclude(ended_at=None)
        .prefetch_related("groups", "people")
        .order_by("-ended_at", "-id")
    )
    declared = declared_by(task)
    # A rule's row changes once: when it ends. So its last version says who ended it.
    versions = ApprovalRule.history.filter(id__in=[rule.pk for rule in ended])
    last = {version.id: version for version in versions.order_by("history_id")}
    return [
        Earlier(
            rule,
            rule_in_words(rule, declared),
            last[rule.pk].history_actor_label,
            last[rule.pk].history_change_reason or "",
        )
        for rule in ended
    ]
