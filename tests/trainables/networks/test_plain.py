"""A plain module with a replica's weights gives what the population gives for that replica."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables import networks, own_code
from trainables.networks import plain
from trainables.networks.architecture import ACTIVATIONS, KINDS
from trainables.population import StackedParameters, generators

IMAGE, POINT = (3, 8, 8), (2,)
CASES: list[tuple[dict[str, Any], tuple[int, ...], int]] = [
    ({"kind": "affine"}, (3,), 0),
    ({"hidden": []}, POINT, 0),
    *(({"hidden": [8, 6], "activation": name}, POINT, 0) for name in (*ACTIVATIONS, "maxout")),
    ({"hidden": [8], "batch_norm": True}, IMAGE, 4),
    *(({"kind": "conv", "width": 4, "activation": name}, IMAGE, 4) for name in (*ACTIVATIONS, "maxout")),
    ({"kind": "conv", "width": 2, "depth": 3, "batch_norm": True}, IMAGE, 0),
    ({"kind": "resnet", "width": 2, "depth": 3}, IMAGE, 4),
    ({"kind": "resnet", "width": 2, "batch_norm": True, "activation": "tanh"}, IMAGE, 0),
    ({"module": "mine:Own", "width": 3}, POINT, 4),
]


def test_every_kind_has_its_case() -> None:
    assert {values.get("kind", "mlp") for values, *_ in CASES} == set(KINDS["generator"])


class Own(nn.Module):
    """A square layer, which shows if it were transposed."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__()
        self.square, self.last = nn.Linear(latent_dim, width), nn.Linear(width, shape[0])
        self.labels = nn.Embedding(classes, width)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        out: Tensor = self.last(torch.tanh(self.square(z) + self.labels(labels)))
        return out


@pytest.fixture(autouse=True)
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "attribute", lambda *_: Own)


@pytest.mark.parametrize(("given", "shape", "classes"), CASES, ids=lambda one: str(one))
def test_it_equals_the_population(given: dict[str, Any], shape: tuple[int, ...], classes: int) -> None:
    values, stream = networks.settings("generator", given), torch.Generator().manual_seed(0)
    network = networks.generator(values, 3, shape, classes)
    weights = StackedParameters.drawn(network, generators([1, 2], 0, "cpu")).constants
    z = torch.randn(2, 7, 3, generator=stream)
    labels = torch.randint(classes, (2, 7), generator=stream) if classes else None
    expected = network(weights, z, labels)
    for i in range(2):
        named = {weight.name: stacked[i] for weight, stacked in zip(network.weights, weights, strict=True)}
        module = plain.fitted(plain.generator(values, 3, shape, classes), named)
        made = module(z[i]) if labels is None else module(z[i], labels[i])
        assert made.shape == (7, *shape)
        assert torch.allclose(made, expected[i], atol=1e-5)
        assert [name for name, _ in module.named_parameters()] == [weight.name for weight in network.weights]
        assert torch.equal(module.eval()(z[i], *(() if labels is None else (labels[i],))), made)


TRANSLATORS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"hidden": [8, 6]}, POINT),
    ({"hidden": [8], "batch_norm": True}, IMAGE),
    *(({"kind": "conv", "width": 4, "activation": name}, IMAGE) for name in (*ACTIVATIONS, "maxout")),
    ({"kind": "conv", "width": 2, "depth": 3, "batch_norm": True}, IMAGE),
]


@pytest.mark.parametrize(("given", "shape"), TRANSLATORS, ids=lambda one: str(one))
def test_a_translator_equals_the_population(given: dict[str, Any], shape: tuple[int, ...]) -> None:
    values, stream = networks.settings("generator", given), torch.Generator().manual_seed(0)
    network = networks.translator(values, shape)
    weights = StackedParameters.drawn(network, generators([1, 2], 0, "cpu")).constants
    x = torch.randn(2, 7, *shape, generator=stream)
    expected = network(weights, x)
    for i in range(2):
        named = {weight.name: stacked[i] for weight, stacked in zip(network.weights, weights, strict=True)}
        module = plain.fitted(plain.translator(values, shape), named)
        torch.testing.assert_close(module(x[i]), expected[i], rtol=1e-5, atol=1e-5)
        assert [name for name, _ in module.named_parameters()] == [weight.name for weight in network.weights]


def test_a_translator_of_images_does_not_fit_points() -> None:
    with pytest.raises(ValueError, match=r"^generator.kind: conv needs square images, got samples of shape \(2,\)"):
        networks.translator(networks.settings("generator", {"kind": "conv"}), POINT)
