"""The list of runs, the page of one, and its parts: items, log, outputs, settlement, emergency.

Above `rows` and `pages`.
"""
