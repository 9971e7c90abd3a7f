"""Files and secrets that runs were given, and texts without the secrets in them.

May import `parameters`, `models` and below.
"""
