"""Signs of life in the database: who was there, and who of several does what is due once a minute."""

from datetime import timedelta
from typing import Final

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from audit.database.prepared import keeping_cursor
from tasks.models import Sign

# One that lies in the future was given before somebody set the database's clock back.
GIVE: Final = """
INSERT INTO tasks_sign (name, at) VALUES (%(name)s, statement_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
    WHERE tasks_sign.at NOT BETWEEN excluded.at - make_interval(secs => %(pause)s) AND excluded.at
RETURNING name
"""


def give(name: str, *, pause: float = 0.0) -> bool:
    """Write that it is now. False where that was written less than `pause` seconds ago.

    Of several processes that ask at once, one hears True.
    """
    with keeping_cursor() as cursor:
        cursor.execute(GIVE, {"name": name, "pause": pause})
        return cursor.fetchone() is not None


def silences() -> dict[str, timedelta]:
    """How long ago each sign was given, by its name. One that was never given is not there."""
    ago = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    return dict(Sign.objects.annotate(ago=ago).values_list("name", "ago"))
