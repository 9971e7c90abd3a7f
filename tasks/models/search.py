"""The words under which a run is found. They decide nothing, and can be made anew from the run."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from tasks.models.runs import Run


class RunWords(models.Model):
    """The words of one run: what it is about, who requested it, why, and what it returned.

    Folded by `tasks.runs.search`, so no language's rules for words apply to a number or a name.
    """

    run = models.OneToOneField(Run, models.CASCADE, primary_key=True, related_name="words")
    words = SearchVectorField()
    # Whether what the run returned is among them: the sweep adds it when the run is over.
    complete = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name = "search words"
        indexes: ClassVar = [
            GinIndex(fields=["words"], name="run_words"),
            models.Index(
                fields=["run"], name="run_words_to_add", condition=models.Q(complete=False)
            ),
        ]

    def __str__(self) -> str:
        return f"Search words of {self.run_id}"
