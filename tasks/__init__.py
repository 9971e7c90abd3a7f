"""What may be run, and every run of it.

From top to bottom: admin, management and contrib; authoring, the one module that a task imports; worker;
actions; runs; rules; queue; access; outputs; secrets; parameters; models; declaration. Each imports what
stands below it; pyproject.toml holds it.
"""
