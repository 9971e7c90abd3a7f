"""SQL queries as tasks: look-ups that can read what their role may read, and change nothing.

    from tasks.contrib.sql import sql_task

    @sql_task(query="late_payments.sql", name="Late payments", category="Accounts", owner="Ledger")
    def late_payments(days: int = 30) -> None:
        '''Accounts without a deposit for so many days.'''

May import everything in `tasks` but the pages.
"""

from tasks.contrib.sql.declaration import sql_task

__all__ = ["sql_task"]
