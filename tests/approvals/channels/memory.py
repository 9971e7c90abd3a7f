"""A channel that keeps what it is given, and refuses when it is told to."""

from approvals.channels.base import Target


class Memory:
    """Reaches everybody by `name:username`, and groups in `rooms`."""

    label = "Memory"

    def __init__(self, name="memory", *, updatable=True):
        self.name, self.updatable = name, updatable
        self.sent, self.updated = [], []
        self.refusals = []  # exceptions to raise, one for each call
        self.rooms = {}  # name of a group: address
        self.before_sending = lambda delivery: None

    def targets(self, told):
        yield from (Target(f"{self.name}:{p.username}", person=p) for p in told.people)
        for group in told.groups:
            if group.name in self.rooms:
                yield Target(self.rooms[group.name], group=group)

    def send(self, delivery):
        self.before_sending(delivery)
        self._refuse()
        self.sent.append((delivery.address, delivery.text))
        return {"id": len(self.sent)}

    def update(self, delivery):
        self._refuse()
        delivery.request.refresh_from_db()
        self.updated.append((delivery.address, delivery.request.status))

    def problems(self):
        return []

    def _refuse(self):
        if self.refusals:
            raise self.refusals.pop(0)
