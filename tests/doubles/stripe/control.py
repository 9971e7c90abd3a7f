"""`/_ctl/…`: the side door for the demo and for tests in other processes. JSON, and no key."""

import json
from collections.abc import Callable
from typing import Any

from tests.doubles.stripe import faults, later, seeds
from tests.doubles.stripe.pipeline import Pipeline
from tests.doubles.stripe.wire import Answer, Obj


class Control:
    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.world = pipeline.world
        self._doors: dict[tuple[str, str], Callable[[Any], Obj]] = {
            ("GET", "health"): lambda _: {"ok": True},
            ("GET", "effects"): lambda _: {"effects": self.effects()},
            ("GET", "requests"): lambda _: {"requests": self._requests()},
            ("GET", "faults"): lambda _: {"faults": self.pipeline.faults.describe()},
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "seed"): lambda given: seeds.plant(self.world, given),
            ("POST", "prune_keys"): lambda given: {"pruned": self.prune_keys(**given)},
            ("POST", "fail_refund"): lambda given: later.fail_refund(self.world, **given),
            ("POST", "complete_refund"): lambda given: later.complete_refund(self.world, **given),
            ("POST", "reverse_transfer"): lambda given: later.reverse_transfer(self.world, **given),
            ("POST", "dispute"): lambda given: later.dispute(self.world, **given),
        }

    def answer(self, method: str, path: str, body: str) -> Answer:
        name = path.removeprefix("/_ctl/")
        door = self._doors.get((method, name))
        if door is None:
            known = ", ".join(f"{verb} {name}" for verb, name in self._doors)
            return Answer.of(404, {"error": f"There is no {method} {name} here, only {known}."})
        try:
            return Answer.of(200, door(json.loads(body) if body else {}))
        except (ValueError, TypeError, LookupError) as wrong:
            return Answer.of(400, {"error": str(wrong)})

    def effects(self) -> list[Obj]:
        with self.world.lock:
            return [dict(effect) for effect in self.world.effects]

    def prune_keys(self, older_than: float = 0.0) -> int:
        with self.world.lock:
            pruned = self.world.keys.prune(older_than)
            self.world.save()
            return pruned

    def _requests(self) -> list[Obj]:
        return [row.describe() for row in self.pipeline.log.rows()]

    def _add_faults(self, given: Any) -> Obj:
        # All are read before the first is set: half a list would be a puzzle.
        read = [faults.from_json(one) for one in (given if isinstance(given, list) else [given])]
        return {"faults": [self.pipeline.faults.add(fault).describe() for fault in read]}

    def _clear_faults(self, _: Any) -> Obj:
        self.pipeline.faults.clear()
        return {"faults": []}
