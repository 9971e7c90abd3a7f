"""Calls of services that speak JSON over HTTP, as tasks.

    crm = Service(Resource("CRM", base="https://crm.example/v2/", token=Env("CRM_TOKEN")))

    @rest_task(crm.post("accounts/{account}/credits"), body={"points": "points"}, key="Idempotency-Key")
    def credit(account: str, points: int) -> None:
        '''Gives a customer points.'''

docs/how-to/make-a-task-of-a-call.md has the whole of it.
"""

from tasks.contrib.rest.declaration import rest_task
from tasks.contrib.rest.service import Endpoint, Service

__all__ = ["Endpoint", "Service", "rest_task"]
