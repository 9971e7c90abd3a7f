"""How the product is doing: for the status page, probes and metrics.

May import `models` and the packages below this one.
"""
