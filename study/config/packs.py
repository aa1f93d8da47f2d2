"""How many configurations of an arm make a pack, which trains as one population (`resources.pack`).

`auto` follows from the configuration alone, so that packs are the same on every machine and `check` knows them: as many
as fill a population, which is

- on a processor, as many rows as take ten times as long as what a step costs whatever the population, by
  `trainables.cost`, and at most `CPU_ROWS`: small networks gain two to four times by it, large ones little;
- on a GPU, `GPU_ROWS` rows, or as many as `trainables.memory` says fit into a trial's part of a card of `GPU_BYTES`;

and no more than leave a search that learns from its results four times to do so: lag × pack ≤ trials / 4.
"""

from __future__ import annotations

import json

from study.config.arms import Arm, corners, spec_for
from study.config.schema import StudyConfig
from trainables import cost
from trainables.memory import replica_bytes
from trainables.spec import Spec, shared

CPU_ROWS = 32  # 48 train a fifth more trials than 24 at width 32, and 3 % more at 64; and all workers want packs
GPU_ROWS = 256
GPU_BYTES = 14e9  # of a card of 16 GB
FIXED = 0.1  # share of a step's time that may be left to what it costs whatever the population


def pack_sizes(config: StudyConfig, arms: tuple[Arm, ...]) -> dict[str, int]:
    """Configurations to a pack of each arm's search."""
    pack = config.resources.pack
    return {arm.name: pack if isinstance(pack, int) else _filling(config, arm) for arm in arms}


def learns(config: StudyConfig, arm: Arm) -> bool:
    """Whether what an arm's search proposes depends on its results."""
    return bool(arm.space) and config.search.sampler != "random"


def _filling(config: StudyConfig, arm: Arm) -> int:
    search = config.search
    most = search.trials_per_arm // (4 * search.lag) if learns(config, arm) else search.trials_per_arm
    specs = [spec_for(config, arm, values) for values in corners(arm.space)]
    shapes = {json.dumps(shared(spec.to_dict()), sort_keys=True): spec for spec in specs}
    rows = min(_rows(config, spec) for spec in shapes.values())
    return max(1, min(most, rows // config.replicas))


def _rows(config: StudyConfig, spec: Spec) -> int:
    if config.resources.gpu:
        needed = replica_bytes(spec)
        return 1 if needed is None else min(GPU_ROWS, int(GPU_BYTES * min(1.0, config.resources.gpu) / needed))
    alone, more = cost.seconds(spec, 1), cost.seconds(spec, 2) - cost.seconds(spec, 1)
    return min(CPU_ROWS, int((1 - FIXED) / FIXED * (alone - more) / more))
