"""Questions about requests: who may decide, what the decisions add up to, how it stands in words.

They change nothing. May import `models`.
"""
