"""Texts that people read: nothing in them is hidden, and what others typed is marked as theirs.

Done where a text is shown, and not where it is stored: the record holds what was typed, and no page
or message can forget it. May import nothing of ours.
"""
