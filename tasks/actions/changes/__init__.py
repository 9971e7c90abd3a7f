"""What decides about runs is changed by two: a proposal, and each kind of change that it can be about.

`base` says what a kind has to answer. May import no other actions.
"""
