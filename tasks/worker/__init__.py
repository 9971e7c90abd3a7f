"""What carries a run out: claim, heartbeat, steps, items, log, interruption.

The queue calls it by `execution`. May import `actions` and everything below.
"""
