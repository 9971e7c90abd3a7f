"""Slack: direct messages to people who have linked their account, posts where a group is asked.

`channel` sends; `approvals.slack_app` hears what people press. docs/how-to/set-up-slack.md
"""

from approvals.channels.slack.channel import Slack

__all__ = ["Slack"]
