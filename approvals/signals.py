"""The one message that goes up: a request has been decided."""

from django.dispatch import Signal

# Sent inside the transaction of the decision, with `request`. A receiver that fails takes the
# decision back; where nobody listens nothing is released.
request_decided = Signal()
