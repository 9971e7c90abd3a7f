"""Who is asked, who is told, who decided. It does not know what it approves.

From top to bottom: admin; slack_app; actions; notifications; channels; requests; models.
Each imports what stands below it; pyproject.toml holds it.
"""
