"""Questions about runs: states, timeline, texts, previews, seals, revisions, undo, who is told.

`states` and `concurrency` write what the actions have decided. May import `rules` and everything below.
"""
