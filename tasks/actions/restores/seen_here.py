"""What the workers of this data folder have seen of a database: kept outside it, in a file.

A file that cannot be written is no error: then a copy of the server's files that is put back is not
found, as where each worker starts with an empty folder.
"""

import json
import logging
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from django.conf import settings

from tasks.models import DatabaseIdentity

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """How often the workers of this folder have looked at a database. `folder` is its name there."""

    path: Path
    folder: uuid.UUID
    number: int = 0

    def with_number(self, number: int) -> Self:
        return replace(self, number=number)

    def keep(self) -> None:
        """Write it down, in one move: whoever reads it sees the file before or after."""
        text = json.dumps({"folder": str(self.folder), "number": self.number})
        part = self.path.with_suffix(f".{uuid.uuid4().hex}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text)
            part.replace(self.path)
        except OSError as error:
            logger.warning("What was seen of the database could not be kept: %s", error)


def seen_of(identity: DatabaseIdentity) -> Seen:
    """What this folder knows of the database with this identity; nothing yet where it has no file."""
    name = "-".join(
        str(part)
        for part in (identity.system_identifier, identity.database_oid, identity.written_in)
    )
    path = Path(settings.DATA_DIR) / "seen" / f"{name}.json"
    try:
        kept = json.loads(path.read_text())
        return Seen(path, uuid.UUID(kept["folder"]), int(kept["number"]))
    except (OSError, ValueError, KeyError):
        return Seen(path, uuid.uuid4())
