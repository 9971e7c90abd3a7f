"""A stateful double of the part of Slack that the back office uses.

A real HTTP server, with Socket Mode, that the real `slack_sdk` talks to. It keeps messages, refuses
what Slack refuses, breaks on demand, and has people who click and submit. Written after Slack's
documentation and its client's source; never compared with Slack itself.
"""

from tests.doubles.slack.double import SlackDouble
from tests.doubles.slack.faults import Fault, Kind
from tests.doubles.slack.interactions import Reaction

__all__ = ["Fault", "Kind", "Reaction", "SlackDouble"]
