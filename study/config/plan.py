"""A study's plan: its checked configuration, its arms and its goal."""

from __future__ import annotations

from dataclasses import dataclass

from study.config.arms import Arm
from study.config.goal import Goal
from study.config.schema import StudyConfig


@dataclass(frozen=True)
class StudyPlan:
    """A checked configuration with what follows from it, made once by `study.config.loading`.

    `arms` are the combinations of the scientific choices, in order; `goal` is what every arm's search optimises;
    `replaced` are the keys under `outcomes` that set the earlier rule, in place of which are the present defaults.
    """

    config: StudyConfig
    arms: tuple[Arm, ...]
    goal: Goal
    replaced: tuple[str, ...] = ()
