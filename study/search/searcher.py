"""One Tune searcher for a whole study.

It gives out packs of trials (`study.search.packs`), in this order: those of trials that an earlier session left
unfinished; those of the repeats, of the first repeat that has one to give (`study.search.repeat`), so that an
interrupted study has whole repeats; `FINISHED`. A later repeat's trials go to workers for which an earlier one, waiting
for results, has none: what a trial is does not depend on when it is given out. Once all have ended it looks at the
pairs of arms where the study wants that (`study.search.looks`), and goes on with what the look asks for. What is given
out is in the ledger first. The searcher learns from the study's state alone, which the recorder keeps, so that it
cannot tell a resumed study from an uninterrupted one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Entry, Planned
from study.ledger.journal import Journal
from study.ledger.state import TrialState
from study.search.extents import due, extents
from study.search.looks import look
from study.search.packs import Pack, packs
from study.search.repeat import Repeat
from study.search.unpickled import Unpickled


class StudySearcher(Unpickled, Searcher):
    """Gives out the study's trials; `job_of` turns the planned ones of a pack into the job for a worker, as one string.

    At most `slots` packs are out at once; None: no limit.
    """

    def __init__(
        self, plan: StudyPlan, journal: Journal, job_of: Callable[[Pack], str], slots: int | None = None
    ) -> None:
        """Rebuild every search from the journal's state."""
        super().__init__()
        self._plan, self._journal, self._job_of, self._slots = plan, journal, job_of, slots
        self._repeats: list[Repeat] = []
        self._begin_repeats()
        self._waiting = deque(packs(plan, (trial for trial in journal.state.unfinished if not trial.unplanned)))
        self._out: list[Pack] = []
        self._stuck = False  # until a trial ends there is nothing to give out
        journal.listeners.append(self._on_entry)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]  # noqa: ARG002
        """A pack's Tune configuration; None while there is nothing to give out yet; `FINISHED` in the end.

        Tune asks at every step of its loop, many times for each trial that ends.
        """
        if self._stuck:
            return None
        self._out = [pack for pack in self._out if any(trial.status is None for trial in pack)]
        full = self._slots is not None and len(self._out) >= self._slots
        pack = None if full else self._next()
        if pack is None:
            self._stuck = full or not self._idle
            return None if self._stuck else str(Searcher.FINISHED)
        self._out.append(pack)
        return self.configuration(pack)

    def configuration(self, pack: Pack) -> dict[str, Any]:
        """Of a Tune trial, named after the pack's first trial; small and flat because Tune handles all of it with every
        result."""
        keys = json.dumps([trial.key for trial in pack])
        return {"trial_id": pack[0].trial_id, "trials": keys, "job": self._job_of(pack)}

    def again(self, pack: Pack) -> None:
        """Queue trials again, that Tune gave up or that go on without others of their pack."""
        gone = {trial.key for trial in pack}
        self._out = [other for other in self._out if gone.isdisjoint(trial.key for trial in other)]
        self._waiting.append(pack)
        self._stuck = False

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the ending is read from the state."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has it all."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""

    @property
    def exact(self) -> bool:
        """Whether every arm's recorded trials could be replayed exactly."""
        return all(repeat.exact for repeat in self._repeats)

    def _on_entry(self, entry: Entry, _: TrialState | None) -> None:
        """A trial that has ended makes room, and its result may be what others wait for."""
        if isinstance(entry, Ended):
            self._stuck = False

    def _next(self) -> Pack | None:
        while not self._waiting:
            plans = self._next_plans()
            if plans:
                self._journal.append(*plans, durable=False)
                self._waiting.extend(packs(self._plan, [self._journal.state.trials[plan.key] for plan in plans]))
            elif self._idle and due(self._plan, self._journal.state):
                self._look()
            else:
                return None
        return self._waiting.popleft()

    def _next_plans(self) -> list[Planned]:
        out = {trial.key for pack in self._out for trial in pack if trial.status is None}
        return next(filter(None, (repeat.next(out) for repeat in self._repeats)), [])

    @property
    def _idle(self) -> bool:
        """Whether nothing is out and nothing is left to give out, but for what a look may ask for."""
        return not self._out and all(repeat.confirming for repeat in self._repeats)

    def _look(self) -> None:
        self._journal.append(look(self._plan, self._journal.state))
        for repeat in self._repeats:
            repeat.confirm_further()
        self._begin_repeats()

    def _begin_repeats(self) -> None:
        """Begin those that are not begun yet."""
        state = self._journal.state
        wanted = max(size.repeats for size in extents(self._plan, state).values())
        self._repeats += [Repeat(self._plan, state, number) for number in range(len(self._repeats), wanted)]
