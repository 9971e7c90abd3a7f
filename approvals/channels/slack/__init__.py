"""Slack: direct messages to people who have linked their account, posts where a group is asked.

`channel` sends; `door` hears what people press, over HTTP or Socket Mode. docs/how-to/set-up-slack.md
"""

from approvals.channels.slack.channel import Slack

__all__ = ["Slack"]
