"""What Slack's refusal means for one message, or for all of them."""

import http.client
from typing import Final

from slack_sdk.errors import SlackApiError, SlackClientError

from approvals.channels.base import Misconfigured, Permanent, Retry

type Refused = Retry | Permanent | Misconfigured

TOO_MANY: Final = 429
FAULT: Final = 500
# Nothing gets through before somebody mends the app or its tokens.
OURS: Final = frozenset({
    "access_denied", "account_inactive", "ekm_access_denied", "invalid_auth", "missing_scope",
    "no_permission", "not_allowed_token_type", "not_authed", "org_login_required",
    "team_access_not_granted", "token_expired", "token_revoked", "two_factor_setup_required",
})  # fmt: skip
# This message never reaches this address.
FINAL: Final = frozenset({
    "as_user_not_supported", "cannot_dm_bot", "cant_update_message", "channel_not_found",
    "channel_type_not_supported", "edit_window_closed", "invalid_arguments", "invalid_blocks",
    "invalid_blocks_format", "is_archived", "message_not_found", "messages_tab_disabled",
    "msg_blocks_too_long", "msg_too_long", "no_text", "not_in_channel",
    "restricted_action", "restricted_action_read_only_channel", "user_disabled", "user_not_found",
    "user_not_in_channel", "user_not_visible", "users_not_found",
})  # fmt: skip


def said(error: Exception) -> Refused:
    """The refusal in the words of a channel.

    Raises the error itself where it is no refusal: a mistake of ours, which the log has to show.
    """
    if isinstance(error, SlackApiError):
        return _of_answer(error)
    if isinstance(error, (OSError, http.client.HTTPException, SlackClientError)):
        return Retry("Slack could not be reached, or closed the connection.")
    raise error


def code_of(error: SlackApiError) -> str:
    """What Slack calls it, such as `channel_not_found`. Empty where the answer is none of Slack's."""
    answer = error.response
    return str(answer.get("error") or "") if hasattr(answer, "get") else ""


def _of_answer(error: SlackApiError) -> Refused:
    code, status = code_of(error), getattr(error.response, "status_code", 0)
    if status == TOO_MANY or code in ("ratelimited", "rate_limited"):
        return Retry("Slack's rate limit was reached.", _seconds(error))
    if code in OURS:
        return Misconfigured(f"Slack rejected our app or its token ({code}).")
    if code in FINAL and status < FAULT:
        return Permanent(f"Slack rejected this message ({code}).")
    return Retry(f"Slack cannot take this message now ({code or status}).")


def _seconds(error: SlackApiError) -> float | None:
    said = {name.lower(): value for name, value in error.response.headers.items()}
    after = str(said.get("retry-after") or "")
    return float(after) if after.isdigit() else None
