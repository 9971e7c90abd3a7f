"""What the author of a task says of it, what is wrong with that, and where the code is found.

It knows neither Django nor the database: a task's module can be imported and its
function tested without either. May import nothing of `tasks` but itself.
"""
