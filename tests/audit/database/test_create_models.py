"""Several models in one operation, forwards and back."""

import pytest
from django.db import connection, models
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState

from audit.database.create_models import CreateModels

pytestmark = pytest.mark.django_db
TABLES = ["audit_branch", "audit_leaf"]


@pytest.fixture
def operation():
    key = ("id", models.BigAutoField(primary_key=True))
    branch = models.ForeignKey("audit.branch", models.PROTECT, related_name="leaves")
    return CreateModels(
        CreateModel("Branch", [key]), CreateModel("Leaf", [key, ("branch", branch)])
    )


def ours():
    return sorted({*TABLES} & {*connection.introspection.table_names()})


def test_its_tables_are_made_and_dropped(operation):
    before, after = ProjectState(), ProjectState()
    operation.state_forwards("audit", after)
    with connection.schema_editor() as editor:
        operation.database_forwards("audit", editor, before, after)
    assert ours() == TABLES
    with connection.schema_editor() as editor:
        operation.database_backwards("audit", editor, after, before)
    assert ours() == []


def test_models_that_were_built_before_know_the_new_ones(operation):
    state = ProjectState()
    assert not state.apps.get_models()
    operation.state_forwards("audit", state)
    assert state.apps.get_model("audit", "Branch")._meta.get_field("leaves")


def test_it_says_what_it_makes(operation):
    assert operation.describe() == "Create the models Branch, Leaf"
