"""The trial that a command works on: by its name, or its arm's winner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from study.command.output import note_damage
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.ledger.state import StudyState, TrialState
from study.search.ranking import winner


@dataclass(frozen=True)
class Trials:
    """Some trials of the study in `folder`, at least one, by their names; `what` says in errors what they have."""

    folder: Path
    plan: StudyPlan
    state: StudyState
    trials: Mapping[str, TrialState]
    what: str

    def of(self, arm: str | None, trial: str | None) -> list[TrialState]:
        """The trials of an arm, or the one of that name, or all; `ConfigError` where there is none."""
        arms = list(dict.fromkeys(one.arm for one in self.trials.values()))
        for option, given, there in (("--trial", trial, list(self.trials)), ("--arm", arm, arms)):
            if given is not None and given not in there:
                raise ConfigError(f"{option}: expected one {self.what} ({', '.join(there)}), got {given}")
        found = [one for one in self.trials.values() if trial in (None, one.trial_id) and arm in (None, one.arm)]
        if not found:
            raise ConfigError(f"--arm: expected {self.trials[str(trial)].arm}, the arm of {trial}, got {arm}")
        return found

    def winner(self, arm: str | None, trial: str | None) -> TrialState:
        """The trial asked for; of an arm the best that was confirmed, or else the best of its searches, among those
        that the ledger still tells of: what is damaged is said on stderr."""
        found = self.of(arm, trial)
        arms = list(dict.fromkeys(one.arm for one in found))
        if len(arms) > 1:
            raise ConfigError(f"--arm: expected one of {', '.join(arms)}, got nothing")
        if trial is None:
            note_damage(self.state.damage)
        best = winner(found, self.state.trials.values(), self.plan.goal, self.plan.config.confirm.top)
        return best or found[0]
