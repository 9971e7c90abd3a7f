"""The pages of the Audit section, and what the pages of every package share.

May import everything in `audit`.
"""

from audit.admin.events import EventAdmin

__all__ = ["EventAdmin"]
