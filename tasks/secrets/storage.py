"""Files and secrets that runs were given."""

import hashlib
import json
import uuid
from typing import Any, Final
from uuid import UUID

from django.db.models import OuterRef, QuerySet

from audit import ciphers
from tasks import parameters
from tasks.declaration.registry import RegisteredTask
from tasks.models import Effect, Run, StoredFile, StoredSecret
from tasks.models.answers import as_json, from_json
from tasks.parameters import DoesNotFit, File
from tasks.secrets.masking import Redactor

PURPOSE: Final = "secrets"
ANSWERS: Final = "answers"


def store_file(file: File) -> None:
    """Store a file under its fingerprint. The same content is stored once."""
    StoredFile.objects.get_or_create(sha256=file.sha256, defaults={"content": file.content})


def read_file(sha256: str) -> bytes:
    """The content of a stored file. Raises DoesNotFit when it is not what was sealed."""
    content = bytes(StoredFile.objects.get(pk=sha256).content)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DoesNotFit("The stored file is not the one that was handed in.")
    return content


def store_secret(text: str) -> str:
    """Encrypt and store a secret; returns the reference that the parameters hold."""
    ciphertext = ciphers.locked(text, purpose=PURPOSE)
    return str(StoredSecret.objects.create(ciphertext=ciphertext).pk)


def read_secret(reference: str) -> str:
    """The secret behind a reference."""
    stored = StoredSecret.objects.get(pk=uuid.UUID(reference))
    return ciphers.opened(stored.ciphertext, purpose=PURPOSE)


def forget_secrets(run: Run) -> None:
    """Delete the secrets that a run was given, and those in the answers to its steps."""
    references = [v["secret"] for v in run.values.values() if isinstance(v, dict) and "secret" in v]
    if references:
        StoredSecret.objects.filter(pk__in=references).delete()
    if getattr(run, "secret_answers", True):  # whoever ends many asks for all at once
        answers_with_secrets(run.pk).update(answer_ciphertext=None)


def answers_with_secrets(run: UUID | OuterRef) -> QuerySet[Effect]:
    """The steps of a run, by its key, whose answers hold secrets."""
    return Effect.objects.filter(run=run, answer_ciphertext__isnull=False)


def keep_answer(effect: Effect, answer: Any, redact: Redactor) -> None:  # noqa: ANN401 - see tasks/models/answers.py
    """Put the answer to a step into its row without secrets; with them only encrypted.

    The next attempt needs it as it was, and everybody who may see the run reads it.
    """
    plain = as_json(answer)
    masked = redact.value(plain)
    effect.answer = from_json(masked)
    whole = json.dumps(plain)
    changed = json.dumps(masked) != whole
    effect.answer_ciphertext = ciphers.locked(whole, purpose=ANSWERS) if changed else None


def answer_of(effect: Effect) -> Any:  # noqa: ANN401 - any JSON
    """The answer to a step as it came, while its run goes on; after that without the secrets in it."""
    if effect.answer_ciphertext is None:
        return effect.answer
    return from_json(json.loads(ciphers.opened(effect.answer_ciphertext, purpose=ANSWERS)))


def plain_values(registered: RegisteredTask, run: Run) -> dict[str, Any]:
    """The typed values that a run was asked for with, without its files, secrets and confirmations.

    Raises DoesNotFit and ObjectGone, as `parameters.thaw` does.
    """
    known = {name: value for name, value in run.values.items() if not _is_reference(value)}
    declared = [
        p for p in parameters.read(registered.function) if p.name in known and not p.param.confirm
    ]
    return parameters.thaw(declared, {p.name: known[p.name] for p in declared})


def _is_reference(value: object) -> bool:
    return isinstance(value, dict) and ("sha256" in value or "secret" in value)


def typed_values(registered: RegisteredTask, run: Run) -> dict[str, Any]:
    """The typed values that a run was asked for with, its files and secrets included.

    Raises DoesNotFit and ObjectGone, as `parameters.thaw` does.
    """
    declared = parameters.read(registered.function)
    return parameters.thaw(declared, run.values, files=read_file, secrets=read_secret)
