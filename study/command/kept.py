"""The kept generators that a command works on: of an arm, of a trial, or of the whole study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from study.command.folder import study_folder
from study.command.own import admitted, refuse_strange_places
from study.command.trials import Trials
from study.config import loading
from study.config.messages import ConfigError
from study.ledger.entries import CONFIRM
from study.ledger.state import StudyState, TrialState
from study.storage import generators
from study.storage.store import Store, store_of
from trainables.kept import Kept, KeptError


@dataclass(frozen=True)
class KeptTrials(Trials):
    """Trials whose generators are in `store`; own code is imported for one that needs it, if the study is the user's or
    the user is `trusting`."""

    store: Store
    trusting: bool

    def read(self, trial: TrialState) -> Kept:
        """A trial's generators; `ConfigError` where they cannot be used."""
        try:
            found = generators.read(self.store, trial.trial_id)
        except KeptError as error:
            raise ConfigError(str(error)) from None
        if found is None:
            raise ConfigError(
                f"{generators.name_of(trial.trial_id)}: expected a file, got none; it was removed just now"
            )
        if "generator" in found.spec.own_networks:
            admitted(self.plan, self.folder, self.trusting)
        try:
            found.weights()
        except ValueError as error:  # own code may have changed since
            raise ConfigError(str(error)) from None
        return found


def kept_trials(directory: Path, trusting: bool = False) -> KeptTrials:
    """Whose generators the study in a folder keeps. Raises `ConfigError` where there are none, or no study."""
    folder = study_folder(directory)
    plan, state = loading.load(folder / loading.STUDY_FILE), StudyState.replay(folder, results=False)
    refuse_strange_places(plan.config, folder, trusting)
    store = store_of(plan.config, folder)
    there = generators.listed(store)
    found = {one.trial_id: one for one in state.trials.values() if one.trial_id in there and one.status is not None}
    if not found:
        keep, top = plan.config.keep.generators, plan.config.confirm.top
        why = "nothing is confirmed" if keep == "confirmed" and not top else "no such trial has ended"
        ended = [one for one in state.trials.values() if one.status == "completed"]
        if any(plan.config.keep.writes(one.phase == CONFIRM) for one in ended):
            raise ConfigError(
                f"{directory}: expected kept generators, got none: those of trials that ended are not in {store.place};"
                f" bring back trials/*/{generators.FILE} from a copy of the study"
            )
        raise ConfigError(
            f"{directory}: expected kept generators, got none: keep is {keep}, and {why};"
            " `ganstudy resume DIR --set keep=all` keeps those of the trials to come"
        )
    return KeptTrials(folder, plan, state, found, "whose generators are kept", store, trusting)
