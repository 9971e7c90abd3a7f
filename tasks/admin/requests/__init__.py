"""The page on which somebody requests a run: its form, filled in beforehand where it can be.

Above `rows` and `pages`, below the catalogue.
"""
