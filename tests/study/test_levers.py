"""Levers crossed at random, from a configuration: what is accepted trains, and goes on as if never stopped; what cannot
be meant is refused in a sentence that names the key."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from study.config.arms import spec_for
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from trainables.data import DataSet, load
from trainables.metrics.classifier import train_classifier
from trainables.metrics.evaluator import Evaluator
from trainables.training import Training

Build = Callable[..., StudyPlan]
COMBINATIONS = 60
DOWN, UP = {"from": 1e-3, "to": 0, "shape": "cosine", "warmup": 0.3}, {"from": 0.5, "to": 0.9}
CONV = {"kind": "conv", "width": 4, "depth": 1}
PLACES: list[dict[str, Any]] = [
    {"data": "ring", "generator": {"hidden": [8]}, "critic": {"hidden": [8]}},
    {"data": "digits", "generator": {"hidden": [8]}, "critic": {"hidden": [8]}},
    {"data": "digits", "generator": CONV, "critic": CONV},
    {"data": "digits", "generator": {**CONV, "batch_norm": True}, "critic": CONV},
]
LEVERS: dict[str, list[Any]] = {
    "model": ["gan", "cgan", "cyclegan"],
    "objective": ["least_squares", "hinge", "wasserstein", {"name": "alpha_loss", "alpha_d": 0.5, "alpha_g": 1}],
    "pairing": ["relativistic", "relativistic_average"],
    "penalty": [
        [{"name": "r1", "every": 2}, {"name": "r2", "every": 2, "compensated": False}],
        {"name": "r1", "weight": {"from": 1.0, "to": 0.1}}, ["lecam", "max_gradient"], "consistency",
        ["balanced_consistency", "spectral_norm"], {"name": "clip", "bound": 0.1}, "consensus",
    ],
    "updates": ["simultaneous", "extragradient", "sga"],
    "unroll": [1, 2],
    "lookahead": [2],
    "optimizer": ["adamw", "lion", "nesterov", "sgd", "rmsprop", "optimistic_adam", "optimistic_sgd"],
    "generator_lr": [DOWN],
    "beta2": [UP],
    "ema": [UP],
    "instance_noise": [0.1, UP],
    "augmentation": ["translation", ["colour", "cutout"]],
    "precision": ["bf16"],
    "packing": [2],
    "label_smoothing": [0.1],
    "source": ["rotated"],
    "identity_weight": [5.0],
}  # fmt: skip


@pytest.fixture(scope="module")
def worlds() -> dict[str, tuple[DataSet, Evaluator]]:
    """Each data set and what measures its samples."""
    ring, digits = load("ring", points=500, heldout=200), load("digits")
    few = {"samples": 60, "neighbour_samples": 60}
    return {
        "ring": (ring, Evaluator(ring, few)),
        "digits": (digits, Evaluator(digits, few, classifier=train_classifier(digits, 0, steps=5))),
    }


def drawn(seed: int) -> dict[str, Any]:
    """Sections of a configuration: a place, a model, and two to six levers moved."""
    draw = random.Random(seed)
    place = draw.choice(PLACES)
    fixed = {name: draw.choice(LEVERS[name]) for name in draw.sample(list(LEVERS), draw.randint(2, 6))}
    fixed |= {"model": draw.choice(LEVERS["model"]), "generator": place["generator"], "critic": place["critic"]}
    return {"data": place["data"], "budget": {"steps": 4, "evaluations": 2, "batch_size": 8}, "fixed": fixed}


def built(least: Build, seed: int) -> StudyPlan | str:
    """The study, or what is said where it is refused."""
    try:
        return least(**drawn(seed))
    except ConfigError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(COMBINATIONS))
def test_what_is_accepted_trains(seed: int, least: Build, worlds: dict[str, tuple[DataSet, Evaluator]]) -> None:
    plan = built(least, seed)
    if isinstance(plan, str):
        assert re.match(r"(fixed\.)?\w+(\.\w+)*: .*expected .*, got .*", plan)
        return
    data, evaluator = worlds[plan.config.data["name"]]
    one = spec_for(plan.config, plan.arms[0], {})
    whole, resumed = (Training(one, [3, 1], data=data, evaluator=evaluator) for _ in range(2))
    whole.advance()
    resumed.load_state_dict(whole.state_dict())
    last, again = whole.advance(), resumed.advance()
    assert last.columns["diverged"] == [False, False]
    assert repr(last) == repr(again)  # NaN is not equal to itself
    assert min(last.columns["gradient_norm_generator"] + last.columns["gradient_norm_critic"]) > 0


def test_more_than_half_of_them_are_accepted(least: Build) -> None:
    assert sum(not isinstance(built(least, seed), str) for seed in range(COMBINATIONS)) > COMBINATIONS / 2
