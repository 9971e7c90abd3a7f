"""Who is told what: notices in the inbox, and the messages that go out for them.

Rows that are written with the fact; nothing here sends. May import `channels` and below.
"""
