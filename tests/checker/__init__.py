"""Asserts the promises over the database and the Stripe double's ledger, from outside the product.

Nothing of the product is imported: what is wrong there must not make this blind too. Tables, states
and moves are therefore written down here a second time, on purpose.
"""
