"""What people press in Slack, over HTTP or Socket Mode: a door like the pages.

May import `actions` and everything below.
"""
