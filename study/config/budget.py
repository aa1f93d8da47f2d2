"""A trial's share of the budget: how many generator updates it takes, whatever it is that all trials spend alike.

A study's budget is `budget.steps` times `budget.equal.per_step`, in generator updates, real samples or floating-point
operations. A trial takes as many generator updates as that allows, rounded to a multiple of the evaluations, so that
every trial is measured equally often, at the same shares of its budget.
"""

from __future__ import annotations

from dataclasses import replace

from study.config.messages import ConfigError
from study.config.sections import Budget
from trainables import cost
from trainables.spec import Spec

UNITS = {"updates": "generator updates", "samples": "real samples", "arithmetic": "operations"}


def spent_per_update(name: str, spec: Spec) -> float:
    """What one generator update, with its critic updates, spends of what is equal, a key of `UNITS`.

    0 for a model that sees no samples in training, or trains no network. Raises `ConfigError` where a trial's steps
    would depend on the operations of own networks, which a reader of the study may not import.
    """
    if name == "updates":
        return 1.0
    if name == "arithmetic" and spec.own_networks:
        module = getattr(spec, spec.own_networks[0])["module"]
        raise ConfigError(f"budget.equal: expected updates or samples with the own network '{module}', got arithmetic")
    return float(cost.real_samples(spec)) if name == "samples" else cost.operations(spec)


def within(budget: Budget, spec: Spec) -> Spec:
    """The spec with the generator updates that the budget allows it, one for each evaluation at least.

    `budget.steps` where updates are equal, where `per_step` is not settled, and for a model that spends nothing.
    """
    if budget.equal.per_step is None or not (each := spent_per_update(budget.equal.name, spec)):
        return spec
    intervals = round(budget.steps * budget.equal.per_step / each / budget.evaluations)
    return replace(spec, steps=max(1, intervals) * budget.evaluations)


def share_spent(budget: Budget, spec: Spec) -> float:
    """What a trial of this spec spends, as a share of the budget; 1 but for rounding. 0 if it spends nothing."""
    whole = budget.steps * (budget.equal.per_step or 1.0)
    return spec.steps * spent_per_update(budget.equal.name, spec) / whole
