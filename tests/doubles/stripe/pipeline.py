"""From a request to what the client gets to see: faults, front door, keys, endpoint."""

import re
import traceback
from collections.abc import Mapping

from tests.doubles.stripe import routes
from tests.doubles.stripe.faults import BAD_GATEWAY, SERVER_ERROR, Fault, Faults, Kind
from tests.doubles.stripe.refusals import NotSaved, Refusal, error
from tests.doubles.stripe.request_log import RequestLog
from tests.doubles.stripe.wire import Answer, Call, Delivery
from tests.doubles.stripe.world import World

_RESET = Delivery("reset")


class Pipeline:
    """A replay comes from memory: faults that change what is done or remembered cannot touch it."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.log = RequestLog()
        self.crashes: list[str] = []

    def serve(self, call: Call) -> Delivery:
        fault = self.faults.pick(call)
        row = self.log.received(call, fault)
        delivery = self._before(call, fault)
        self.log.delivered(row, delivery)
        return delivery

    def _before(self, call: Call, fault: Fault | None) -> Delivery:
        match fault:
            case Fault(kind=Kind.RESET_BEFORE):
                return _RESET
            case Fault(kind=Kind.HANG_BEFORE):
                fault.wait()
                return _RESET
            case Fault(kind=Kind.ERROR_BEFORE):
                return Delivery("whole", _stamped(fault.answer, call))
        return _after(_stamped(self._answer(call, fault), call), fault)

    def _answer(self, call: Call, fault: Fault | None) -> Answer:
        try:
            _check_front_door(call)
            route, ids = routes.find(call)
            with self.world.lock:
                self.world.books_asked_for(call.account)
                remembered = self.world.keys.claim(call)
        except Refusal as refusal:
            return refusal.answer
        if remembered is not None:
            return remembered
        # Slow outside the lock: others must be able to come in and find the key in use.
        if fault and fault.kind is Kind.SLOW:
            fault.wait()
        return self._execute(call, route, ids, fault)

    def _execute(
        self, call: Call, route: routes.Route, ids: Mapping[str, str], fault: Fault | None
    ) -> Answer:
        with self.world.lock:
            keep, answer = False, SERVER_ERROR
            try:
                keep, answer = self._run(call, route, ids, fault)
            except Exception:
                # Not Stripe's failure but ours: a test must not take it for a 500 that was ordered.
                self.crashes.append(traceback.format_exc())
                answer = error(500, "The double itself is broken; see its crashes.")
            finally:
                self.world.keys.finish(call, answer if keep else None)
            if call.method == "POST":
                self.world.save()
            return answer

    def _run(
        self, call: Call, route: routes.Route, ids: Mapping[str, str], fault: Fault | None
    ) -> tuple[bool, Answer]:
        """Whether the key remembers the answer, and the answer."""
        kind = fault.kind if fault else None
        try:
            route.check(call)
            if kind is Kind.ERROR_SAVED:
                return True, SERVER_ERROR
            made = route.run(self.world.books_asked_for(call.account), call, ids)
        except Refusal as refusal:
            return refusal.saved, refusal.answer
        if kind is Kind.ERROR_AFTER:
            return True, SERVER_ERROR
        return kind is not Kind.FORGET_KEY, Answer.of(200, made)


def _check_front_door(call: Call) -> None:
    if not call.authorization:
        raise NotSaved("You did not provide an API key.", status=401)
    if not re.fullmatch(r"Bearer (sk|rk)_\w+", call.authorization):
        raise NotSaved("Invalid API Key provided.", status=401)
    if call.version and not re.fullmatch(r"\d{4}-\d\d-\d\d(\.\w+)?", call.version):
        raise NotSaved(f"Invalid Stripe API version: {call.version}")


def _after(answer: Answer, fault: Fault | None) -> Delivery:
    match fault:
        case Fault(kind=Kind.RESET_AFTER):
            return _RESET
        case Fault(kind=Kind.HANG_AFTER):
            fault.wait()
            return _RESET
        case Fault(kind=Kind.TRUNCATE_AFTER):
            return Delivery("half", answer)
        case Fault(kind=Kind.ERROR_AFTER_EDGE):
            return Delivery("whole", BAD_GATEWAY)
    return Delivery("whole", answer)


def _stamped(answer: Answer, call: Call) -> Answer:
    answer = answer.also(Request_Id=call.id)
    if call.version:
        answer = answer.also(Stripe_Version=call.version)
    if call.idempotency_key:
        answer = answer.also(Idempotency_Key=call.idempotency_key)
    return answer
