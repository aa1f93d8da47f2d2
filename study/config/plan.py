"""A study's plan: its checked configuration, its arms and its goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from study.config.arms import Arm
from study.config.goal import Goal
from study.config.schema import StudyConfig


@dataclass(frozen=True)
class StudyPlan:
    """A checked configuration with what follows from it, made once by `study.config.loading`.

    `arms` are the combinations of the scientific choices, in order; `goal` is what every arm's search optimises;
    `packs` says for every arm how many of its configurations train together (`study.config.packs`).
    `replaced` are the keys under `outcomes` that set the earlier rule, in place of which are the present defaults.
    """

    config: StudyConfig
    arms: tuple[Arm, ...]
    goal: Goal
    packs: Mapping[str, int] = field(default_factory=dict)
    replaced: tuple[str, ...] = ()
