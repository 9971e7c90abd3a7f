"""The embedded PostgreSQL server, and the roles and rights that any server needs.

May import `progress`.
"""
