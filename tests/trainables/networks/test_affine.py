"""An affine generator: the identity at its start, and slopes that are known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plain_networks import BATCH, REPLICAS, drawn, randn, stack

from trainables import networks

AFFINE = networks.settings("generator", {"kind": "affine"})


def test_an_affine_generator_starts_as_the_identity_and_scales_each_coordinate() -> None:
    network = networks.generator(AFFINE, 2, (2,))
    z = randn(REPLICAS, BATCH, 2)
    assert torch.equal(network([w.double() for w in drawn(network, REPLICAS)], z), z)
    mean, scale = randn(REPLICAS, 2), randn(REPLICAS, 2)
    out = network([mean, scale], z)
    for i in range(REPLICAS):
        torch.testing.assert_close(out[i], mean[i] + z[i] @ torch.diag(scale[i]))
    assert network.matrices == ()


def test_an_affine_generators_slopes_are_one_and_the_latent() -> None:
    stacked, z = stack(networks.generator(AFFINE, 1, (1,))), randn(REPLICAS, BATCH, 1)
    gradient = stacked.gradient(stacked.network(stacked.views, z).sum((1, 2)))
    torch.testing.assert_close(gradient, torch.stack([torch.full_like(z[:, 0, 0], BATCH), z.sum((1, 2))], 1))


@pytest.mark.parametrize(
    ("latent_dim", "shape", "classes", "message"),
    [
        (2, (1,), 0, "latent_dim: expected the data's dimension 1 with kind affine, got 2"),
        (4, (1, 2, 2), 0, r"generator.kind: affine makes points, got samples of shape \(1, 2, 2\)"),
        (2, (2,), 3, "generator.kind: expected another with cgan"),
    ],
)
def test_an_affine_generator_refuses_what_it_cannot_make(
    latent_dim: int, shape: tuple[int, ...], classes: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        networks.generator(AFFINE, latent_dim, shape, classes)


@pytest.mark.parametrize(
    ("role", "given", "message"),
    [
        ("critic", {}, "critic.kind: unknown name 'affine'"),
        ("generator", {"batch_norm": True}, "generator.batch_norm: expected false with kind affine, got true"),
        ("generator", {"hidden": [3]}, "generator.hidden: unknown setting"),
    ],
)
def test_an_affine_map_is_a_generator_without_settings(role: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        networks.settings(role, {"kind": "affine", **given})
    assert networks.settings("generator", AFFINE) == AFFINE
