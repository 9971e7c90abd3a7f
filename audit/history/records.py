"""`history = audited()` in a model's body: each save and delete leaves one row behind.

The row says what the object looked like, who did it, through which door and why. The database
refuses to change it (audit/database/append_only.py).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.db import connection, models
from django.dispatch import receiver
from django.utils import timezone
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record

from audit.context import current
from audit.database.prepared import keeping_cursor


class AuditBase(models.Model):
    """The columns that each history row has beside the object's own and simple_history's."""

    # history_ before each name, because audited models have a door and a request of their own.
    history_actor_label = models.TextField(editable=False)
    history_door = models.CharField(max_length=20, editable=False)
    history_request_id = models.CharField(max_length=32, blank=True, editable=False)
    history_ip = models.GenericIPAddressField(null=True, editable=False)
    # Stamped by a trigger: the application cannot choose it, so a back-dated row shows its true age.
    recorded_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True


def audited(*, excluded_fields: Collection[str] = ()) -> "AuditRecords":
    """Keep every version of a model's rows, except for the fields named here."""
    return AuditRecords(
        bases=[AuditBase],
        excluded_fields=list(excluded_fields),
        history_id_field=models.BigAutoField(),
        history_manager=AuditHistoryManager,
        get_user=lambda **_: None,  # the person comes with the other labels, see _labels
    )


def _labels() -> dict[str, Any]:
    context = current()
    return {
        "history_user_id": context.user_id,
        "history_actor_label": context.label,
        "history_door": context.door,
        "history_request_id": context.request_id,
        "history_ip": context.ip,
    }


@cache
def _made_once(
    make: Callable[..., type[models.Manager[Any]]],
    queryset_class: type[models.QuerySet[Any]],
    class_name: str | None,
) -> type[models.Manager[Any]]:
    return make(queryset_class, class_name)


def save_with_history(row: models.Model) -> None:
    """Write a row that is there already, and its history row, in one statement.

    The same as its `save()`, for what happens to each run: Django makes the SQL of both anew each
    time, which takes longer than PostgreSQL needs for them. The history row is copied from what was
    stored. Raises `ObjectDoesNotExist` when there is no such row any more.
    """
    model = type(row)
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in _written_fields(model)
    ]
    labels = _labels() | {
        "history_date": timezone.now(),
        "history_type": "~",
        "history_change_reason": current().reason or None,
    }
    with keeping_cursor() as cursor:
        cursor.execute(_update_and_keep(model, tuple(labels)), [*values, row.pk, *labels.values()])
        if not cursor.rowcount:
            raise ObjectDoesNotExist(f"There is no {model._meta.verbose_name} {row.pk}.")


def _written_fields(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if not field.primary_key]


@cache
def _update_and_keep(model: type[models.Model], labels: Sequence[str]) -> str:
    """The statement of `save_with_history`: a fact of the code, made once in each process."""
    history: Any = model.history.model  # type: ignore[attr-defined]
    name = connection.ops.quote_name
    changes = ", ".join(f"{name(str(field.column))} = %s" for field in _written_fields(model))
    kept = ", ".join(name(field.column) for field in history.tracked_fields)
    given = ", ".join(f"%s::{_bare_type(history, label)}" for label in labels)
    return f"""
        WITH stored AS (
            UPDATE {name(model._meta.db_table)} SET {changes}
            WHERE {name(str(model._meta.pk.column))} = %s RETURNING {kept}
        )
        INSERT INTO {name(history._meta.db_table)} ({kept}, {", ".join(map(name, labels))})
        SELECT {kept}, {given} FROM stored
    """  # noqa: S608 - names of the model


def _bare_type(history: type[models.Model], column: str) -> str:
    """Without a length: a cast to one cuts off what is too long, instead of refusing it."""
    [field] = [each for each in history._meta.concrete_fields if each.column == column]
    return "text" if isinstance(field, models.CharField) else str(field.db_type(connection))


class AuditHistoryManager(HistoryManager):  # type: ignore[misc]  # untyped package
    @classmethod
    def from_queryset(
        cls, queryset_class: type[models.QuerySet[Any]], class_name: str | None = None
    ) -> type[models.Manager[Any]]:
        """Make the class once: simple_history asks for it with each row that it writes."""
        return _made_once(super().from_queryset, queryset_class, class_name)

    def bulk_history_create(
        self,
        objs: Iterable[models.Model],
        default_change_reason: str = "",
        custom_historical_attrs: dict[str, Any] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> list[models.Model]:
        """Label bulk rows too: they are made without the signal that labels single ones."""
        return super().bulk_history_create(  # type: ignore[no-any-return]
            objs,
            default_change_reason=default_change_reason or current().reason,
            custom_historical_attrs={**(custom_historical_attrs or {}), **_labels()},
            **options,
        )


class AuditRecords(HistoricalRecords):  # type: ignore[misc]  # untyped package
    _date_indexing = False  # the indexes are those of get_meta_options

    def copy_fields(self, model: type[models.Model]) -> "dict[str, models.Field[Any, Any]]":
        fields: dict[str, models.Field[Any, Any]] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False  # type: ignore[attr-defined]  # the stubs lack it
        if "recorded_at" in fields:
            raise ImproperlyConfigured(
                f"{model._meta.label} has a field recorded_at, which its history needs for itself. "
                "Call the field something else."
            )
        return fields

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        pk = model._meta.pk.name
        options: dict[str, Any] = super().get_meta_options(model)
        return options | {
            "verbose_name": f"history of {model._meta.verbose_name}",
            "verbose_name_plural": f"history of {model._meta.verbose_name_plural}",
            "ordering": ("-history_id",),
            "get_latest_by": "history_id",
            "default_permissions": (),  # audit.view_everything is the right to read it
            "indexes": (
                models.Index(fields=[pk, "-history_id"]),  # one object's versions; each one's last
                models.Index(fields=["history_user", "-history_id"]),  # what one person did
                models.Index(fields=["-history_date", "-history_id"]),  # a range of dates
            ),
        }

    def _get_history_user_fields(self) -> "dict[str, models.Field[Any, Any]]":
        # No constraint and DO_NOTHING: no change to a person may ever write to their history.
        person = models.ForeignKey(
            settings.AUTH_USER_MODEL,
            null=True,
            related_name="+",
            on_delete=models.DO_NOTHING,
            db_constraint=False,
            db_index=False,
        )
        return {"history_user": person}

    def get_change_reason_for_object(
        self, instance: models.Model, history_type: str, using: str | None
    ) -> str | None:
        # Taken off the instance, or its next save would repeat the reason.
        own: str | None = instance.__dict__.pop("_change_reason", None)
        return own or current().reason or None

    def post_save(
        self,
        instance: models.Model,
        created: bool,
        using: str | None = None,
        update_fields: Collection[str] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        if update_fields is not None and not self._tracks_any(instance, update_fields):
            return  # nothing that history keeps was written: a sign-in sets last_login
        if self._may_differ_from_its_row(instance, update_fields):
            instance = _as_stored(instance, using)
        super().post_save(instance, created, using=using, **kwargs)

    def _tracks_any(self, instance: models.Model, names: Collection[str]) -> bool:
        return any(
            field.name in names or field.attname in names
            for field in self.fields_included(instance)
        )

    def _may_differ_from_its_row(
        self, instance: models.Model, update_fields: Collection[str] | None
    ) -> bool:
        """Whether the object in memory holds something else than what has just been written."""
        return update_fields is not None or any(
            hasattr(instance.__dict__.get(field.attname), "resolve_expression")
            for field in self.fields_included(instance)
        )


def _as_stored(instance: models.Model, using: str | None) -> models.Model:
    stored = type(instance)._base_manager.using(using).get(pk=instance.pk)
    for name in ("_change_reason", "_history_date", "skip_history_when_saving"):
        if name in instance.__dict__:
            setattr(stored, name, instance.__dict__[name])
    instance.__dict__.pop("_change_reason", None)
    return stored


@receiver(pre_create_historical_record)
def label_history_row(history_instance: models.Model, **_: object) -> None:
    if isinstance(history_instance, AuditBase):
        for name, value in _labels().items():
            setattr(history_instance, name, value)
