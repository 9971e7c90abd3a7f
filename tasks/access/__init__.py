"""Who may do what: rights on a task, its administrators, what is stopped, who is on call.

Questions that change nothing; no right is decided anywhere else. May import `outputs` and below.
"""
