"""What a replica needs, counted by hand for a network of few layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trainables import memory
from trainables.batches import BLOCK
from trainables.memory import least_bytes, replica_bytes
from trainables.spec import Spec

SMALL = {"hidden": [16]}
ONE = Spec({"name": "ring"}, 20, 4, 64, generator=SMALL, critic=SMALL, evaluation={"samples": 100})
DRAWN = 4 * memory.DRAWN * BLOCK
GENERATOR, CRITIC = 2 * 16 + 16 + 16 * 2 + 2, 2 * 16 + 16 + 16 + 1
WEIGHTS = 4 * 2 * (5 * GENERATOR + 4 * CRITIC)


def test_weights_and_draws_are_exact_and_activations_grow_with_the_batch() -> None:
    small, large = (replica_bytes(replace(ONE, batch_size=size)) for size in (1000, 2000))
    assert small is not None
    assert large is not None
    each = (large - small) / 1000
    assert small - 1000 * each == pytest.approx(WEIGHTS + DRAWN, abs=1)
    # Of a sample: products, sums and activations of 16 in both networks, of both halves in the critic, and outputs.
    least, most = 4 * (2 * 16 + 2 + 2 * (2 * 16 + 1)), 4 * (4 * 16 + 3 * 2 + 2 * (4 * 16 + 3) + WEIGHTS / 8)
    assert least <= each <= most


def test_penalties_and_large_evaluations_cost_more() -> None:
    plain, penalised, measured = (
        replica_bytes(replace(ONE, **changes))
        for changes in ({}, {"penalty": {"name": "r1"}}, {"evaluation": {"samples": 4000}})
    )
    assert plain < penalised < measured  # type: ignore[operator]
    assert replica_bytes(replace(ONE, evaluation={"samples": 10**6})) == pytest.approx(measured, rel=0.05)  # in pieces


def test_what_is_differentiated_twice_is_kept_thrice() -> None:
    plain, adjusted, once, twice = (
        replica_bytes(replace(ONE, batch_size=2000, **changes))
        for changes in ({}, {"updates": "sga"}, {"unroll": 1}, {"unroll": 2})
    )
    kept = plain - WEIGHTS - DRAWN  # type: ignore[operator]
    assert adjusted - plain == pytest.approx(2 * kept)  # type: ignore[operator]
    assert twice - once == once - plain == pytest.approx(3 * kept + 4 * 8 * CRITIC)  # type: ignore[operator]


def test_slow_weights_are_kept_twice() -> None:
    slow, plain = (replica_bytes(replace(ONE, lookahead=every)) for every in (5, 0))
    assert slow - plain == 4 * 2 * (GENERATOR + CRITIC)  # type: ignore[operator]


def test_rounded_weights_are_kept_besides() -> None:
    rounded, plain = (replica_bytes(replace(ONE, precision=name)) for name in ("bf16", "fp32"))
    assert rounded - plain == 4 * (GENERATOR + CRITIC)  # type: ignore[operator]
    assert replica_bytes(replace(ONE, precision="tf32")) == plain


@pytest.mark.parametrize("model", ["cgan", "cyclegan", "vae", "matching"])
def test_other_models_are_counted_too(model: str) -> None:
    needed = replica_bytes(replace(ONE, model=model))
    assert needed is not None
    assert needed > WEIGHTS + DRAWN


def test_convolutions_of_normalised_batches_are_counted() -> None:
    conv = {"kind": "conv", "width": 4, "depth": 2}
    digits = replace(ONE, data={"name": "digits"}, generator={**conv, "batch_norm": True}, critic=conv)
    wide = replace(digits, generator={**conv, "batch_norm": True, "width": 16})
    assert DRAWN < replica_bytes(digits) < replica_bytes(wide)  # type: ignore[operator]


def test_what_trains_no_network_needs_its_draws_and_own_networks_are_unknown() -> None:
    assert replica_bytes(replace(ONE, model="oracle")) == DRAWN
    assert replica_bytes(replace(ONE, generator={"module": "theirs:Net"})) is None


MLP = {"hidden": [128, 128]}
WIDE = {"hidden": [4096, 4096]}


@pytest.mark.parametrize(
    ("changes", "replicas", "measured"),
    [
        ({"latent_dim": 100_000}, 1, 2044e6),
        ({"latent_dim": 50_000}, 2, 2092e6),
        ({"generator": WIDE, "critic": WIDE}, 2, 1279e6),
        ({"generator": WIDE, "critic": WIDE, "optimizer": "sgd"}, 2, 1481e6),
        ({"generator": MLP, "critic": MLP, "batch_size": 100_000}, 2, 424e6),
        ({"generator": MLP, "critic": MLP, "batch_size": 100_000, "model": "vae"}, 2, 551e6),
    ],
)
def test_a_population_takes_no_less_on_a_processor(changes: dict[str, Any], replicas: int, measured: float) -> None:
    """`measured` is by how much a process's peak of resident memory grew in two steps and a measurement, on a core."""
    found = sum(least_bytes(replace(ONE, evaluation={"samples": 2500}, **changes), replicas).values())
    assert found <= measured < 2 * found


def test_what_is_not_there_takes_nothing() -> None:
    assert least_bytes(Spec({"name": "ring"}, 20, 4, 64, model="oracle", evaluation={"samples": 100}), 2) == {}
    translated = replace(ONE, model="cyclegan")
    assert least_bytes(translated, 2).keys() == {"generator", "critic", "batch_size"}
    paired = least_bytes(replace(ONE, model="matching", batch_size=10_000), 3)
    assert paired.keys() == {"generator", "batch_size"}
    assert paired["batch_size"] == 4 * 10_000 * (2 * 3 * 2 + 16 + 2 * 3 * 10_000)
