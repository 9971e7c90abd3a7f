"""When a run needs approval, and by whom: conditions, sums, stages, reviewers.

Questions that change nothing, for the present and, in `simulation`, for the past. May import `queue`,
`access` and everything below.
"""
