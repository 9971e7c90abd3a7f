"""`make demo`: a company to try things on, from one command. Not for production.

May import `database` and `progress`; settings and pages ask `mode` whether this is the demo.
"""
