"""Objects of a model, people among them, limited to those the person may choose from."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db import models
from django.db.models.options import Options

from audit.texts.hidden import with_hidden_characters_shown
from tasks.declaration.calling import call_with, required_by
from tasks.parameters.errors import DeclarationError, DoesNotFit, ObjectGone
from tasks.parameters.fields import ObjectField
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, fits
from tasks.parameters.param import are_names, takes_one

PEOPLE_SEARCH = ("username", "first_name", "last_name", "email")
PEOPLE_SHOWN = ("username",)


class ObjectKind(Kind):
    """A model: stored as its key and, for people, its name of that day"""

    what = "an object"
    options = frozenset({"about", "depends_on", "limit", "offered", "picker_text", "search"})
    same_everywhere = True

    def prepare(self) -> None:
        self.model: type[models.Model] = self.hint
        # The leading underscore notwithstanding, these two are Django's public names.
        self.meta: Options[Any] = self.hint._meta
        self.objects: models.Manager[Any] = self.hint._default_manager
        self.is_people = self.model is get_user_model()
        self.search = self.param.search or (PEOPLE_SEARCH if self.is_people else ())
        name = self.model.__name__
        if not are_names(self.search):
            raise DeclarationError(
                f"It is not said how to search for {name}.",
                'Name the fields to look in: Param(search=("name",)).',
            )
        if self.param.limit is not None and not takes_one(self.param.limit):
            raise DeclarationError(
                "limit must be a function of the person, and of nothing else.",
                f"Write limit=open_ones, with: def open_ones(person): return {name}.objects.all().",
            )
        if self.param.picker_text is not None and not takes_one(self.param.picker_text):
            raise DeclarationError(
                f"picker_text must be a function of one {name}, and of nothing else.",
                "Write picker_text=described, with: def described(payment): return str(payment).",
            )
        for path in self.search:
            self._check_path(path)
        self._check_about()

    def queryset(self, person: Any) -> models.QuerySet[Any]:  # noqa: ANN401 -- whoever asks
        """The objects that this person may choose from."""
        if self.param.limit is not None:
            return self._limited(self.param.limit(person))
        if self.is_people:
            return self.objects.filter(is_active=True)
        return self.objects.all()

    def in_picker(self, value: models.Model) -> str:
        """What a person chooses by: its text, and what was searched that this does not say."""
        if self.param.picker_text is not None:
            return with_hidden_characters_shown(str(self.param.picker_text(value)))
        text = str(value)
        for path in PEOPLE_SHOWN if self.is_people else self.search:
            found = _at(value, path)
            text += f" · {found}" if found and found not in text else ""
        return with_hidden_characters_shown(text)

    def relations(self) -> list[str]:
        """What of other models the picker shows, to be fetched for a whole page at once."""
        paths = (path.rpartition("__")[0] for path in self.search)
        return list(dict.fromkeys(path for path in paths if path and self._leads_to_one(path)))

    def offered(self, person: Any) -> models.QuerySet[Any]:  # noqa: ANN401 -- whoever asks
        """Those of them that the picker lists."""
        found = self.queryset(person)
        return self.param.offered(found) if self.param.offered else found

    @property
    def depends_on(self) -> set[str]:
        """The names of the other parameters that say which objects go with them."""
        narrow = self.param.depends_on
        return required_by(partial(narrow, None)) if narrow else set()

    def narrowed(
        self, found: models.QuerySet[Any], values: Mapping[str, Any]
    ) -> models.QuerySet[Any]:
        """Those of the objects that go with the values of other parameters."""
        narrow = self.param.depends_on
        return self._limited(call_with(partial(narrow, found), values)) if narrow else found

    def field(self, asked: Asked) -> forms.Field:
        picker = asked.picker_url(asked.name) if asked.picker_url else ""
        return ObjectField(
            self.queryset(asked.person),
            picker,
            text=self.in_picker,
            plural=str(self.meta.verbose_name_plural),
            depends_on=sorted(self.depends_on),
            required=asked.required,
        )

    def accepts(self, value: object) -> bool:
        return False  # an object that is named in code may not exist

    def freeze(self, value: models.Model, keep: Keep) -> Json:
        return {"label": str(value), "model": self._label, "pk": str(value.pk)}

    def thaw(self, frozen: Json, load: Load) -> models.Model:
        stored = fits(frozen, dict)
        key = fits(stored.get("pk"), str)
        if stored.get("model") != self._label:
            raise DoesNotFit(f"{stored.get('model')} was chosen, and {self._label} is needed now.")
        try:
            found: models.Model = self.objects.get(pk=key)
        except (ObjectDoesNotExist, ValueError, ValidationError):
            name = self.meta.verbose_name
            raise ObjectGone(
                f"The {name} “{stored.get('label')}” no longer exists. Choose another one and request "
                "it again."
            ) from None
        return found

    def text(self, frozen: Json) -> str:
        return with_hidden_characters_shown(fits(fits(frozen, dict).get("label"), str))

    def identity(self, frozen: Json) -> str:
        stored = fits(frozen, dict)
        return f"{stored.get('model')}:{stored.get('pk')}"

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        return {name: None if frozen is None else fits(fits(frozen, dict).get("pk"), str)}

    def _limited(self, found: Any) -> models.QuerySet[Any]:  # noqa: ANN401 -- it is what we find out
        """What the author's function gave, if it is what a picker can search."""
        wanted = f"Return a QuerySet of {self.model.__name__}, not sliced"
        if not isinstance(found, models.QuerySet):
            raise TypeError(f"limit returned {type(found).__name__}. {wanted}.")
        if not issubclass(found.model, self.model) or found.query.is_sliced:
            raise TypeError(f"limit returned some of {found.model.__name__}. {wanted}.")
        return found

    @property
    def _label(self) -> str:
        return self.meta.label_lower

    def _check_about(self) -> None:
        about: Any = self.param.about  # whatever an author wrote
        if not isinstance(about, Mapping) or not all(map(takes_one, about.values())):
            raise DeclarationError(
                f"about is {about!r}.",
                'Write a label and a function of the object: about={"Customer": customer_of}.',
            )

    def _leads_to_one(self, path: str) -> bool:
        meta = self.meta
        for name in path.split("__"):
            field = meta.get_field(name) if name in _names(meta) else None
            if not isinstance(field, models.ForeignKey):
                return False
            meta = field.related_model._meta
        return True

    def _check_path(self, path: str) -> None:
        try:
            self.meta.get_field(path.split("__")[0])
        except FieldDoesNotExist:
            names = ", ".join(field.name for field in self.meta.get_fields())
            raise DeclarationError(
                f"search names {path!r}, which is no field of {self.model.__name__}.",
                f"Its fields are {names}.",
            ) from None


def _names(meta: "Options[Any]") -> set[str]:
    return {field.name for field in meta.get_fields()}


def _at(value: object, path: str) -> str:
    """The text at the end of a path over relations to one object; empty for any other."""
    found: Any = value
    for name in path.split("__"):
        found = getattr(found, name, None)
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
