"""One search of an arm: ask-and-tell with a fixed delay (a "lagged tell") around an OptunaSearch.

The sampler is told results in the order of the trials. Trials come in packs of p (`study.config.packs`; a trial is a
pack of its own with p = 1), trial k in pack ⌊k / p⌋, and before any trial of pack b is asked the sampler has been told
exactly the results of packs 0 … b − lag. What an arm proposes is thus a function of its seed and its own results,
whatever the number of workers and their timing; at most `lag` packs of an arm are outstanding. The sampler is rebuilt
after an interruption by asking and telling again from the recorded trials, so nothing of Optuna is kept on disk; as
they say what it had been told, packs may have another size by then. (Parallel use of a plain OptunaSearch is not
reproducible: its sampler sees whichever results happened to arrive first.)
"""

import hashlib
import itertools
import logging
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState as OptunaState
from ray.tune.search.optuna import OptunaSearch

from study.config.goal import Goal
from study.search.scores import DIVERGED, Values

LOGGER = logging.getLogger(__name__)
SAMPLERS = ("tpe", "random", "cmaes", "gp", "nsga2")


@dataclass(frozen=True)
class Recorded:
    """A trial of the arm as the ledger has it; `values`, one per metric, is None when it failed, `told` is how many
    results the sampler had been told before, None if unknown, and `excess` is `study.search.scores.excess`."""

    params: Mapping[str, Any]
    ended: bool
    values: Values | None
    told: int | None = None
    excess: float | None = None


TrialLookup = Callable[[int], Recorded]  # the arm's trial of an index, as it is now


def arm_seed(seed: int, arm: str, attempt: int = 0, repeat: int = 0) -> int:
    """The sampler's seed, from the study's seed, the arm's name and the repeat, so that adding one changes no other.

    `attempt` is the number of trials adopted because they could not be replayed.
    """
    again = f"/{repeat}" if repeat else ""  # none in repeat 0, whose seeds are older than repeats
    return int.from_bytes(hashlib.sha256(f"{seed}/{arm}/{attempt}{again}".encode()).digest()[:4], "big")


def make_sampler(name: str, seed: int, multivariate: bool = True) -> optuna.samplers.BaseSampler:
    """The Optuna sampler called `name`, one of `SAMPLERS`, seeded; `multivariate` is for `tpe` with one metric."""
    if name == "tpe":
        return optuna.samplers.TPESampler(seed=seed, multivariate=multivariate)
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "cmaes":
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    if name == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed)
    raise ValueError(f"sampler: expected one of {', '.join(SAMPLERS)}, got {name!r}")


class ArmSearch:
    """Asks for an arm's next configuration, telling its sampler the results that are due first.

    `lag` ≥ 1 bounds the outstanding packs of `pack` trials; the random sampler learns nothing and needs no bound.
    Recorded trials are replayed on construction; `exact` is False when that could not reproduce them (a newer Optuna
    draws other numbers, a damaged ledger lacks one), and they were added as evaluated points instead. Trials that ended
    and whose plan is lost are `kept` as they are: nothing is told of them, and they are not asked for again. `next` is
    the index of the trial that will be asked for, `told` how many results the sampler has been told.
    """

    def __init__(
        self,
        arm: str,
        space: Mapping[str, BaseDistribution],
        goal: Goal,
        *,
        sampler: str,
        seed: int,
        lag: int,
        pack: int = 1,
        multivariate: bool = True,
        repeat: int = 0,
        recorded: Mapping[int, Recorded] = MappingProxyType({}),
        kept: Collection[int] = (),
    ) -> None:
        """Rebuild the sampler from the recorded trials by index; `lag` below 1 raises `ValueError`."""
        if lag < 1:
            raise ValueError(f"lag: expected an integer >= 1, got {lag}")
        self.arm, self.repeat, self.goal, self.space = arm, repeat, goal, dict(space)
        self._sampler, self._seed, self._lag, self.pack = sampler, seed, lag, pack
        self._multivariate, self._kept = multivariate, frozenset(kept)
        self._restart({})
        self.exact = not kept and self._replay(recorded)
        if not self.exact:
            LOGGER.warning(
                "arm %s%s: its %d recorded trials could not be asked for again identically (%s); the search goes on"
                " from them, but is no longer the uninterrupted one",
                arm,
                f", repeat {repeat}" if repeat else "",
                len(recorded),
                _reason(recorded, self._kept),
            )
            self._restart(recorded)

    def ready(self, recorded: TrialLookup) -> bool:
        """Whether every result that the next trial must have seen is there."""
        return self._ended(recorded, self._due(self.pack))

    def ask(self, recorded: TrialLookup) -> tuple[int, dict[str, Any]]:
        """Tell what is due, then draw the next trial's index and configuration. Call only when `ready`."""
        return self._ask(recorded, self._due(self.pack))

    def _ask(self, recorded: TrialLookup, due: int) -> tuple[int, dict[str, Any]]:
        for index in range(self.told, due):
            self._tell(index, recorded(index))
        index = self.next
        with warnings.catch_warnings():
            # A Gaussian process takes a trial that diverged for as bad as the worst that did not.
            warnings.filterwarnings("ignore", "Clip non-finite values")
            params = dict(self._search.suggest(str(index)) or {}) if self.space else {}
        self._taken.add(index)
        while self.next in self._taken:
            self.next += 1
        return index, params

    def _ended(self, recorded: TrialLookup, due: int) -> bool:
        return all(recorded(index).ended for index in range(self.told, due))

    def _due(self, pack: int) -> int:
        """How many results the sampler must have been told before the next trial is asked, with packs of that size."""
        learns = self.space and self._sampler != "random"
        return max(self.told, (self.next // pack - self._lag + 1) * pack) if learns else self.told

    def _restart(self, adopted: Mapping[int, Recorded]) -> None:
        self._storage = optuna.storages.InMemoryStorage()
        several = len(self.goal.metrics) > 1
        self._search = OptunaSearch(
            self.space,
            metric=list(self.goal.metrics) if several else self.goal.metrics[0],
            mode=list(self.goal.modes) if several else self.goal.modes[0],
            sampler=make_sampler(
                self._sampler, arm_seed(self._seed, self.arm, len(adopted), self.repeat), self._multivariate
            ),
            storage=self._storage,
            study_name=self.arm,
        )
        self._adopted, self._taken, self.told = set(adopted), {*adopted, *self._kept}, 0
        self.next = next(index for index in itertools.count() if index not in self._taken)

    def _replay(self, recorded: Mapping[int, Recorded]) -> bool:
        for index in range(len(recorded)):
            if index not in recorded:
                return False
            told, lookup = recorded[index].told, recorded.__getitem__
            due = self._due(1) if told is None else told  # older than packs
            if due > index or not self._ended(lookup, due) or self._ask(lookup, due)[1] != recorded[index].params:
                return False
        return True

    def _tell(self, index: int, trial: Recorded) -> None:
        self.told = index + 1
        if index in self._kept:
            return
        if index in self._adopted:
            self._add_evaluated(trial)
        elif trial.values is None:
            self._search.on_trial_complete(str(index), error=True)
        else:
            result = dict(zip(self.goal.metrics, trial.values, strict=True))
            if trial.excess is not None and self.space:  # of which OptunaSearch tells its study nothing
                self._search._ot_trials[str(index)].set_constraint(DIVERGED, trial.excess)
            self._search.on_trial_complete(str(index), result)

    def _add_evaluated(self, trial: Recorded) -> None:
        # OptunaSearch.add_evaluated_point takes one objective only: reach the study through its storage.
        study = optuna.load_study(study_name=self.arm, storage=self._storage)
        try:
            evaluated = optuna.trial.create_trial(
                state=OptunaState.FAIL if trial.values is None else OptunaState.COMPLETE,
                values=trial.values,
                params=dict(trial.params),
                distributions=self.space,
                constraints=None if trial.excess is None else {DIVERGED: trial.excess},
            )
        except (TypeError, ValueError) as error:  # the ledger was edited, or the space is another version's
            LOGGER.warning("arm %s: the sampler is not told of %s: %s", self.arm, dict(trial.params), error)
            return
        study.add_trial(evaluated)


def _reason(recorded: Mapping[int, Recorded], kept: Collection[int]) -> str:
    """Why recorded trials could not be asked for again, as far as they themselves show."""
    lost = sorted({*kept, *(index for index in range(len(recorded)) if index not in recorded)})
    if lost:
        return f"the ledger has no readable plan of trial {', '.join(map(str, lost))}"
    told = max((one.told or 0 for one in recorded.values()), default=0)
    if unended := [index for index, one in sorted(recorded.items()) if index < told and not one.ended]:
        return f"the ledger has no readable ending of trial {', '.join(map(str, unended))}, whose result it was told"
    return "another version of Optuna?"
