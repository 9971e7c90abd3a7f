"""The modal in which somebody says why they reject."""

import json
from typing import Any, Final

from approvals.channels.slack import blocks
from approvals.channels.slack.values import Shown
from approvals.models import ApprovalRequest
from approvals.slack_app.payloads import Place
from audit.texts.quoting import quoted

NAME: Final = "reject"
MOST: Final = 2000  # characters of a reason


def modal_for(request: ApprovalRequest, shown: Shown, place: Place) -> dict[str, Any]:
    """Carries along what the message showed, and where the message is."""
    carried = json.loads(shown.written()) | {"c": place.channel, "t": place.ts}
    return {
        "type": "modal",
        "callback_id": NAME,
        "private_metadata": json.dumps(carried),
        "title": blocks.plain("Reject", 24),
        "submit": blocks.plain("Reject", 24),
        "close": blocks.plain("Cancel", 24),
        "blocks": [
            blocks.section(f"You are rejecting {quoted(request.title)}."),
            {
                "type": "input",
                "block_id": "reason",
                "label": blocks.plain("Reason", 2000),
                "hint": blocks.plain(f"{request.requested_by} is notified of it.", 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "reason",
                    "multiline": True,
                    "max_length": MOST,
                },
            },
        ],
    }
