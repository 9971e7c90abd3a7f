"""What is PostgreSQL's: append-only tables, its clock, statements that are kept ready.

May import nothing of `audit`.
"""
