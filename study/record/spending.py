"""What a trial has spent, as the columns `analysis.record.schema.SPENT`: critic updates, samples, arithmetic, time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from analysis.record.metadata import stated
from study.ledger.state import TrialState
from trainables import cost, own_code
from trainables.spec import PER_REPLICA, Spec

FREE = (*PER_REPLICA, "steps", "evaluations", "evaluation", "measure", "bound")  # fields that an update's cost ignores
MANY = 1 << 40  # steps, of which a setting that acts once in several has enough


class Each(NamedTuple):
    """What one generator update of a replica spends, with the critic updates that belong to it.

    `operations` are None where networks are the user's own and this process may not import them.
    """

    critic_updates: int
    real_samples: int
    operations: float | None


def spent(trial: TrialState, config: Mapping[str, Any]) -> dict[str, Any]:
    """What a trial's steps have spent: of each replica, and of all together its `core_seconds`.

    `config` is the study's. None stands for what its plan does not say.
    """
    each = _each(json.dumps({name: value for name, value in trial.spec.items() if name not in FREE}, sort_keys=True))
    cores = stated({"config": config}, "config.resources.cpu", 1.0)
    known = {} if each is None else {name: value for name, value in each._asdict().items() if value is not None}
    counted = {name: trial.last_step * value for name, value in known.items()}
    return {**dict.fromkeys(Each._fields), **counted, "core_seconds": trial.wall_time * cores}


@lru_cache(maxsize=4096)
def _each(spec: str) -> Each | None:
    """By a specification without its `FREE` fields, as JSON; None if this version cannot read it."""
    try:
        whole = Spec.from_dict({**json.loads(spec), "steps": MANY, "evaluations": 1})
        own = [getattr(whole, role)["module"] for role in whole.own_networks]
        counted = cost.operations(whole) if not own or own_code.allowed(own) else None
        return Each(cost.critic_updates(whole), cost.real_samples(whole), counted)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
