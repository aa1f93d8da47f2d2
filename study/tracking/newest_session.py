"""The newest session of a study as its ledger has told so far, and what follows from it for runs in MLflow.

Importing this module imports MLflow.
"""

from __future__ import annotations

from contextlib import suppress

from mlflow.entities import DatasetInput

from analysis.colours import CYCLE
from analysis.record.own import higher_is_better
from analysis.record.schema import DIRECTED, OWN
from study.config import loading
from study.config.goal import Goal
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.ledger.entries import Session
from study.tracking.arms import params_of
from study.tracking.runs import data_input
from study.tracking.tags import COLOUR


class NewestSession:
    """Changed by `take` alone; before the first session nothing follows."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._plan: StudyPlan | None = None
        self._planned_by: Session | None = None

    def take(self, session: Session) -> None:
        """A newer one."""
        self._session = session

    @property
    def plan(self) -> StudyPlan | None:
        """The study's plan; None where there is none that this version can read."""
        if self._session is not self._planned_by:
            self._plan, self._planned_by = None, self._session
            with suppress(ConfigError):
                self._plan = loading.build(self._session.config) if self._session else None
        return self._plan

    @property
    def data(self) -> DatasetInput | None:
        """The data set as an input of a run; None where the session does not say."""
        return data_input(self._session.data) if self._session is not None and self._session.data else None

    def higher(self, metric: str) -> bool | None:
        """Whether more of a measurement is better; None where neither is, or nobody says."""
        goal = self.plan.goal if self.plan else Goal((), ())
        if metric in goal.metrics:
            return goal.modes[goal.metrics.index(metric)] == "max"
        about = {"own": self._session.own if self._session else {}}
        return higher_is_better(metric, about) if metric in DIRECTED or metric.startswith(OWN) else None

    def params(self, arm: str) -> dict[str, str]:
        """What is the same in all trials of an arm; {} for none of the plan's."""
        return params_of(self.plan, arm) if self.plan else {}

    def colour(self, arm: str) -> dict[str, str]:
        """A tag with the colour that the report gives an arm; {} for none of the plan's."""
        names = [one.name for one in self.plan.arms] if self.plan else []
        return {COLOUR: CYCLE[names.index(arm) % len(CYCLE)]} if arm in names else {}
