"""When other people must agree: rules are never changed, only replaced by a new version."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.template.defaultfilters import pluralize

from approvals.requests.policy import WAITS_FOR, reviewers_for
from audit.database.clock import database_now
from audit.texts.quoting import quoted
from tasks import parameters
from tasks.access.rights import Right, who
from tasks.actions.changes.base import TaskChange, members_in_words
from tasks.declaration.durations import problems_of_times
from tasks.declaration.registry import UnknownTask, registry
from tasks.declaration.tickets import problem_of_pattern
from tasks.models import ApprovalRule, ProposedChange, Task
from tasks.rules.conditions import check_condition
from tasks.rules.evaluation import COPIED, MANY, RuleSpec, rules_in_force
from tasks.rules.sentences import condition_in_words
from tasks.rules.serialization import differences, from_json
from tasks.rules.simulation import simulate_past_runs
from tasks.rules.texts import either
from tasks.runs.notifications import notify_of_rule

if TYPE_CHECKING:
    from backoffice.models import User


class NewRule(TaskChange):
    """A rule, or a new version of one, is put in force."""

    @property
    def title(self) -> str:
        name = f"“{self.proposed_change.content['name']}” of “{self.task}”"
        return f"Change the rule {name}" if self.proposed_change.rule_id else f"Add the rule {name}"

    def facts(self) -> list[list[str]]:
        return [
            ["What happens next", "It applies to new runs."],
            *self.gives(),
            *_in_the_past(self.task, self._spec()),
            *_in_words(self.task, self._spec()),
        ]

    def gives(self) -> list[list[str]]:
        spec = self._spec()
        groups = sorted({*spec.groups, *spec.escalate_to}, key=str)
        return [[f"Members of “{group}”", members_in_words(group)] for group in groups]

    def gains(self) -> "set[User]":
        """Who could decide under it, and could not approve anything of this task before."""
        try:
            after = _deciding(self._spec())
        except ValidationError:  # a group is gone, which check() says
            return set()
        before = {person for rule in rules_in_force(self.task) for person in _deciding(rule)}
        return after - before - set(who(Right.APPROVE, self.task))

    def rows(self) -> list[list[str]]:
        return differences(_spec_of(self.proposed_change), self._spec())

    def check(self) -> None:
        if self.proposed_change.rule_id:
            _locked(self.proposed_change.rule_id)
        check_rule(self.task, self._spec())

    def make(self) -> None:
        older = (
            _end(_locked(self.proposed_change.rule_id)) if self.proposed_change.rule_id else None
        )
        rule = put_in_force(
            self.task, self._spec(), replaces=older, brought_by=self.proposed_change
        )
        by, name = self.proposed_change.proposed_by, quoted(rule.name)
        notify_of_rule(rule, f"{by} changed an approval rule of “{rule.task}”: {name}")

    def _spec(self) -> RuleSpec:
        return from_json(self.proposed_change.content)


class EndOfRule(TaskChange):
    """A rule is taken out of force."""

    @property
    def title(self) -> str:
        return f"End the rule “{self.proposed_change.rule}” of “{self.task}”"

    def facts(self) -> list[list[str]]:
        spec = _spec_of(self.proposed_change)
        follows = "New runs no longer need this approval."
        past = [*_in_the_past(self.task, spec), *_in_words(self.task, spec)] if spec else []
        return [["What happens next", follows], *past]

    def rows(self) -> list[list[str]]:
        return differences(_spec_of(self.proposed_change), None)

    def check(self) -> None:
        _locked(self.proposed_change.rule_id)

    def make(self) -> None:
        rule = _end(_locked(self.proposed_change.rule_id))
        by = self.proposed_change.proposed_by
        notify_of_rule(rule, f"{by} ended an approval rule of “{rule.task}”: {quoted(rule.name)}")


def put_in_force(
    task: Task,
    spec: RuleSpec,
    *,
    replaces: ApprovalRule | None = None,
    brought_by: ProposedChange | None = None,
) -> ApprovalRule:
    """Write a rule's row. For the actions of this package, inside their transaction.

    The database takes one that nobody has proposed from the owner of its tables only: from a deploy.
    """
    rule = ApprovalRule.objects.create(
        task=task,
        version=replaces.version + 1 if replaces else 1,
        replaces=replaces,
        brought_by=brought_by,
        **{name: getattr(spec, name) for name in COPIED},
    )
    for name in MANY:
        getattr(rule, name).set(getattr(spec, name))
    return rule


def check_rule(task: Task, spec: RuleSpec) -> None:
    """Raise `ValidationError` for a condition that cannot be read, for times that do not fit
    together, and for a rule under which nobody could ever approve.
    """
    try:
        registered = registry.get(task.slug)
    except UnknownTask as gone:
        raise ValidationError("This task is retired, and so are its rules.") from gone
    check_condition(spec.condition, parameters.read(registered.function))
    _times_fit(spec)
    _tickets_can_fit(spec)
    _somebody_can_approve(task, spec)


def _locked(rule_id: int | None) -> ApprovalRule:
    rule = ApprovalRule.objects.select_for_update(of=("self",)).select_related("task")
    found = rule.get(pk=rule_id or 0)
    if found.ended_at:
        raise ValidationError(
            "Somebody else has changed this rule. Open it again and make your change there."
        )
    return found


def _end(rule: ApprovalRule) -> ApprovalRule:
    rule.ended_at = database_now()
    rule.save(update_fields=["ended_at"])
    return rule


def _spec_of(proposed_change: ProposedChange) -> RuleSpec | None:
    """What the rule says that is replaced or ended."""
    return RuleSpec.of(proposed_change.rule) if proposed_change.rule else None


def _in_the_past(task: Task, spec: RuleSpec) -> list[list[str]]:
    """How many of the runs of the last 90 days a rule would have held up."""
    try:
        declared = parameters.read(registry.get(task.slug).function)
    except UnknownTask:
        return []
    past = simulate_past_runs(task, spec, declared)
    runs = "run" if past.asked == 1 else "runs"
    return [
        [
            "In the last 90 days",
            f"{len(past.would_wait)} of {past.asked} {runs} would have needed approval. "
            f"{past.did_wait} did.",
        ]
    ]


def _in_words(task: Task, spec: RuleSpec) -> list[list[str]]:
    """The condition as a sentence, beside its code among what changes."""
    try:
        declared = parameters.read(registry.get(task.slug).function)
    except UnknownTask:
        return []
    return [["In words", condition_in_words(spec.name, spec.condition, declared)]]


def _times_fit(spec: RuleSpec) -> None:
    found = dict(problems_of_times(spec, default=WAITS_FOR, escalates=bool(spec.escalate_to)))
    if found:
        raise ValidationError(found)


def _tickets_can_fit(spec: RuleSpec) -> None:
    if problem := problem_of_pattern(spec.ticket_pattern):
        raise ValidationError({"ticket_pattern": problem})


def _somebody_can_approve(task: Task, spec: RuleSpec) -> None:
    able = could_approve(task, spec)
    if len(able) < spec.needed:
        raise ValidationError(
            f"{_needs(spec)}, but only {len(able)} active {pluralize(len(able), 'person,people')} can "
            "approve. Add people, or a group with members."
        )
    askers = set(who(Right.REQUEST, task))
    if askers and all(len(able - {asker}) < spec.needed for asker in askers):
        raise ValidationError(
            f"{_needs(spec)}, and nobody can approve their own request. If "
            f"{either(sorted(map(str, able)))} requests this, too few reviewers are left. Add more "
            "people."
        )


def _needs(spec: RuleSpec) -> str:
    return f"The rule needs {spec.needed} approval{pluralize(spec.needed)}"


def _deciding(rule: "ApprovalRule | RuleSpec") -> "set[User]":
    """The active people whom a rule names, also those to whom it escalates."""
    spec = rule if isinstance(rule, RuleSpec) else RuleSpec.of(rule)
    return set(reviewers_for([*spec.groups, *spec.escalate_to], spec.people))


def could_approve(task: Task, spec: RuleSpec) -> "set[User]":
    """The active people who could approve under this rule."""
    if not spec.groups and not spec.people:
        return set(who(Right.APPROVE, task))
    return set(reviewers_for(spec.groups, spec.people))
