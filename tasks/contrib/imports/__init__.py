"""Imports: a file of another system, read by a layout that is declared, compared, and written in one go.

    OLDPAY = Layout(
        "oldpay",
        label="Oldpay export",
        columns={
            "reference": column("Transaction ID"),
            "day": column("Date"),
            "amount": column("Amount"),
            "currency": column("Currency"),
        },
        dates="%d/%m/%Y",
    )

    @import_task(name="Import transaction history", ..., layouts=[OLDPAY],
                 into=Into(ImportedTransaction, key=("reference",), scope=("account",)))
    def import_history(account: Account, file: ImportFile) -> None:
        '''Adds the transactions of an account at another provider.'''

Nothing is guessed: a file that fits no layout is refused, with what is missing. Where there are
several layouts, the first line of the file says which one it is, or whoever uploads it.
"""

from tasks.contrib.imports.declaring import FROM_HEADER, ImportFile, OnlyCheck, import_task
from tasks.contrib.imports.layouts import Column, Layout, column
from tasks.contrib.imports.targets import Into

__all__ = [
    "FROM_HEADER",
    "Column",
    "ImportFile",
    "Into",
    "Layout",
    "OnlyCheck",
    "column",
    "import_task",
]
