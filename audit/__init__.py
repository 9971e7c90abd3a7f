"""Who did what, when, through which door; never rewritten.

From top to bottom: admin; sign_in, transitions; actions; history, models; context; database,
ciphers, seals. Each imports what stands below it; pyproject.toml holds it.
"""
