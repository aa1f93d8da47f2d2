"""How many configurations of an arm make a pack, which trains as one population (`resources.pack`)."""

from __future__ import annotations

from study.config.arms import Arm
from study.config.schema import StudyConfig


def pack_sizes(config: StudyConfig, arms: tuple[Arm, ...]) -> dict[str, int]:
    """Configurations to a pack of each arm's search."""
    return dict.fromkeys((arm.name for arm in arms), config.resources.pack)
