"""What changes a run, from the request to its end, and what is done about one that did not end well.

May import the other actions.
"""
