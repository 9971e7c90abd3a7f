"""Scripts as tasks: a file in any language, run by a keeper process that leaves nothing of it behind.

    @script_task("price_asset.js", changes="nothing", name="Price an asset", ...)
    def price_asset(symbol: str, quantity: int) -> None:
        '''What an asset is worth today.'''

docs/how-to/make-a-task-of-a-script.md has the whole of it.
"""

from tasks.contrib.script import checks
from tasks.contrib.script.declaration import script_task

__all__ = ["checks", "script_task"]
