"""One Tune searcher for a whole study.

It gives out, in this order: trials that an earlier session left unfinished; the trials of the repeats, those of the
first repeat that has one to give (`study.search.repeat`), so that an interrupted study has whole repeats; `FINISHED`. A
later repeat's trials go to workers for which an earlier one, waiting for results, has none: what a trial is does not
depend on when it is given out. Once all have ended it looks at the pairs of arms where the study wants that
(`study.search.looks`), and goes on with what the look asks for. What is given out is in the ledger first. The searcher
learns from the study's state alone, which the recorder keeps, so that it cannot tell a resumed study from an
uninterrupted one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.config.plan import StudyPlan
from study.ledger.entries import Key, named
from study.ledger.journal import Journal
from study.ledger.state import TrialState
from study.search.extents import due, extents
from study.search.looks import look
from study.search.repeat import Repeat
from study.search.unpickled import Unpickled


class StudySearcher(Unpickled, Searcher):
    """Gives out the study's trials; `job_of` turns a planned trial into the job for a worker, as one string.

    At most `slots` trials are out at once; None: no limit.
    """

    def __init__(
        self, plan: StudyPlan, journal: Journal, job_of: Callable[[TrialState], str], slots: int | None = None
    ) -> None:
        """Rebuild every search from the journal's state."""
        super().__init__()
        self._plan, self._journal, self._job_of, self._slots = plan, journal, job_of, slots
        self._repeats: list[Repeat] = []
        self._begin_repeats()
        self._unfinished = deque(trial for trial in journal.state.unfinished if not trial.unplanned)
        self._open: set[Key] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]  # noqa: ARG002
        """A trial's Tune configuration; None while there is nothing to give out yet; `FINISHED` in the end.

        The configuration is small and flat because Tune handles all of it with every result.
        """
        trials = self._journal.state.trials
        self._open = {key for key in self._open if trials[key].status is None}
        if self._slots is not None and len(self._open) >= self._slots:
            return None
        trial = self._next()
        if trial is None:
            return str(Searcher.FINISHED) if self._idle else None
        self._open.add(trial.key)
        return {"trial_id": trial.trial_id, **named(trial.key), "job": self._job_of(trial)}

    def again(self, trial: TrialState) -> None:
        """Queue a trial again that Tune gave up although it has not ended."""
        self._open.discard(trial.key)
        self._unfinished.append(trial)

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

    def _next(self) -> TrialState | None:
        if self._unfinished:
            return self._unfinished.popleft()
        while True:
            for repeat in self._repeats:
                plan = repeat.next(self._open)
                if plan is not None:
                    self._journal.append(plan)
                    return self._journal.state.trials[plan.key]
            if not self._idle or not due(self._plan, self._journal.state):
                return None
            self._look()

    @property
    def _idle(self) -> bool:
        """Whether nothing is out and nothing is left to give out, but for what a look may ask for."""
        return not self._open and all(repeat.confirming for repeat in self._repeats)

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
