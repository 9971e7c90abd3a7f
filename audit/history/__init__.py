"""One row for each change of each audited model, and how people read them: versions, timeline, CSV.

May import `context` and `database`.
"""
