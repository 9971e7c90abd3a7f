"""The messages that go up: a request is decided or shown; something is to be sent."""

from django.dispatch import Signal

# Sent inside the transaction of the decision, with `request`. A receiver that fails takes the
# decision back; where nobody listens nothing is released.
request_decided = Signal()

# Sent with `requests`. A receiver returns those that it would do nothing to approve, because what
# would run is not what was requested any more: by their keys, why, in a sentence.
outdated_wanted = Signal()

# Sent inside the transaction that writes deliveries, or lets some be sent again; with `due_at` where
# they are not to be sent before. Where nobody listens they go out with the next sweep.
deliveries_written = Signal()
