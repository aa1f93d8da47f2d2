"""Modules of the user's own as a population: against the modules themselves, and trained in every way."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables import networks, own_code
from trainables.networks.own import OwnNetwork
from trainables.population import StackedParameters, generators
from trainables.spec import Spec
from trainables.training import Training

REPLICAS, BATCH, LATENT, CLASSES = 3, 6, 4, 3


class MLP(nn.Module):
    """Ours, written as a module; `role` says which."""

    def __init__(self, inputs: int, outputs: int, hidden: list[int], activation: nn.Module) -> None:
        super().__init__()
        widths = [inputs, *hidden]
        layers: list[nn.Module] = []
        for here, there in pairwise(widths):
            layers += [nn.Linear(here, there), activation]
        self.body = nn.Sequential(*layers, nn.Linear(widths[-1], outputs))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is not None:
            x = torch.cat([x, nn.functional.one_hot(labels, CLASSES).to(x.dtype)], 1)
        out: Tensor = self.body(x)
        return out


class Generator(MLP):
    def __init__(self, latent_dim: int, shape: tuple[int, ...], classes: int, hidden: list[int]) -> None:
        super().__init__(latent_dim + classes, shape[0], hidden, nn.ReLU())


class Critic(MLP):
    def __init__(self, shape: tuple[int, ...], classes: int, hidden: list[int]) -> None:
        super().__init__(shape[0] + classes, 1, hidden, nn.LeakyReLU(0.2))


class Pictures(nn.Module):
    """A generator of images with much of what modules have: normalisation, a tied layer, a buffer, resampling."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(latent_dim, 2 * 4 * 4)
        self.norm = nn.BatchNorm2d(2, track_running_stats=False)
        self.conv, self.again = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.again.weight = self.conv.weight
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.last = nn.ConvTranspose2d(2, shape[0], 3, padding=1)
        self.register_buffer("slope", torch.linspace(-1, 1, 4))

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z).unflatten(1, (2, 4, 4)) + self.slope
        x = torch.relu(self.norm(self.again(torch.tanh(self.conv(x)))))
        return torch.tanh(self.last(self.up(x)))


class Judge(nn.Module):
    """A projection critic of images, in a user's own words."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(shape[0], 3, 4, 2, 1), nn.LeakyReLU(0.2), nn.GroupNorm(1, 3), nn.Flatten())
        self.head = nn.Linear(3 * (shape[1] // 2) ** 2, 1)
        self.classes = nn.Embedding(max(classes, 1), self.head.in_features)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        hidden = self.body(x)
        out: Tensor = self.head(hidden)[:, 0]
        return out if labels is None else out + (hidden * self.classes(labels)).sum(1)


@pytest.fixture(autouse=True)
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mine:NAME` is what has that name here."""
    monkeypatch.setattr(own_code, "attribute", lambda _, location: globals()[location.partition(":")[2]])


def settings(role: str, name: str, **more: Any) -> dict[str, Any]:
    return networks.settings(role, {"module": f"mine:{name}", **more})


CASES: dict[str, tuple[str, dict[str, Any], tuple[int, ...], int]] = {
    "points": ("generator", {"module": "mine:Generator", "hidden": [7]}, (2,), 0),
    "labelled points": ("generator", {"module": "mine:Generator", "hidden": [7]}, (2,), CLASSES),
    "pictures": ("generator", {"module": "mine:Pictures"}, (2, 8, 8), 0),
    "critic": ("critic", {"module": "mine:Critic", "hidden": [7, 5]}, (2,), 0),
    "judge": ("critic", {"module": "mine:Judge"}, (2, 8, 8), 0),
    "projecting judge": ("critic", {"module": "mine:Judge"}, (2, 8, 8), CLASSES),
}


def network(case: str) -> OwnNetwork:
    role, values, shape, classes = CASES[case]
    made = (
        networks.generator(values, LATENT, shape, classes)
        if role == "generator"
        else networks.critic(values, shape, classes)
    )
    assert isinstance(made, OwnNetwork)
    return made


def module(of: OwnNetwork, flat: Tensor) -> nn.Module:
    """A module of the same class with one replica's weights (P,), as torch itself copies them."""
    made = of._built(99).to(flat.dtype)
    nn.utils.vector_to_parameters(flat.clone(), made.parameters())
    return made


def inputs(of: OwnNetwork) -> tuple[Tensor, Tensor | None]:
    stream = torch.Generator().manual_seed(1)
    x = torch.randn(REPLICAS, BATCH, *of.inputs, dtype=torch.float64, generator=stream)
    return x, torch.randint(CLASSES, (REPLICAS, BATCH), generator=stream) if of.classes else None


@pytest.mark.parametrize("case", CASES)
def test_a_stack_is_its_modules_side_by_side(case: str) -> None:
    """Outputs, gradients, and gradients of the squared slope at the inputs."""
    own = network(case)
    stacked = StackedParameters(own, StackedParameters.drawn(own, generators(range(REPLICAS), 0, "cpu")).flat.double())
    x, labels = inputs(own)
    x.requires_grad_()
    out = own(stacked.views, x, labels)
    total = out.flatten(1).sin().sum(1)
    first = stacked.gradient(total, retain=True)
    (slope,) = torch.autograd.grad(total.sum(), x, create_graph=True)
    second = stacked.gradient(slope.flatten(1).square().sum(1))
    for i in range(REPLICAS):
        plain = module(own, stacked.flat[i])
        points = x[i].detach().requires_grad_()
        expected = plain(points) if labels is None else plain(points, labels[i])
        torch.testing.assert_close(out[i], expected.view_as(out[i]))
        (their_slope,) = torch.autograd.grad(expected.sin().sum(), points, create_graph=True)
        for mine, value in ((first, expected.sin().sum()), (second, their_slope.square().sum())):
            found = torch.autograd.grad(value, list(plain.parameters()), retain_graph=True, allow_unused=True)
            zeros = zip(found, plain.parameters(), strict=True)
            torch.testing.assert_close(
                mine[i], torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in zeros])
            )


@pytest.mark.parametrize("spoiled", [math.nan, math.inf])
@pytest.mark.parametrize("case", ["labelled points", "pictures", "projecting judge"])
def test_a_spoiled_replica_leaves_the_others_bit_for_bit(case: str, spoiled: float) -> None:
    own = network(case)
    flat = StackedParameters.drawn(own, generators(range(REPLICAS), 0, "cpu")).flat
    x, labels = inputs(own)

    def everything(spoil: bool) -> list[Tensor]:
        weights, points = flat.clone(), x.float()
        if spoil:
            weights[1], points[1, 0] = spoiled, spoiled
        stacked, points = StackedParameters(own, weights), points.requires_grad_()
        out = own(stacked.views, points, labels)
        (slope,) = torch.autograd.grad(out.sum(), points, create_graph=True)
        first = stacked.gradient(out.flatten(1).square().mean(1), retain=True)
        return [out.detach(), slope.detach(), first, stacked.gradient(slope.flatten(1).square().sum(1))]

    for whole, touched in zip(everything(False), everything(True), strict=True):
        assert whole.isfinite().all()
        assert not touched[1].isfinite().all()
        assert torch.equal(whole[[0, 2]], touched[[0, 2]])


def test_weights_have_the_modules_names_and_tied_ones_count_once() -> None:
    assert [weight.name for weight in network("pictures").weights] == [
        "first.weight", "first.bias", "norm.weight", "norm.bias", "conv.weight", "conv.bias", "again.bias",
        "last.weight", "last.bias",
    ]  # fmt: skip
    assert network("points").size == 4 * 7 + 7 + 7 * 2 + 2


def test_a_replicas_weights_follow_from_its_own_stream_alone() -> None:
    own = network("pictures")
    before = torch.random.get_rng_state()
    together = StackedParameters.drawn(own, generators([5, 6, 7], 0, "cpu")).flat
    assert torch.equal(together[1], StackedParameters.drawn(own, generators([6], 0, "cpu")).flat[0])
    assert len(together.unique(dim=0)) == 3
    assert torch.equal(before, torch.random.get_rng_state())
    gain = together[:, own.weights[0].size + own.weights[1].size :][:, :2]
    assert (gain == 1).all()  # a batch normalisation as torch starts it


class Consuming(Critic):
    def __init__(self, shape: tuple[int, ...], classes: int, hidden: list[int]) -> None:
        super().__init__(shape, classes, [hidden.pop()])


def test_a_constructor_may_use_up_its_settings() -> None:
    own = networks.critic(settings("critic", "Consuming", hidden=[7]), (2,))
    assert own.size == 2 * 7 + 7 + 7 + 1


@pytest.mark.parametrize(("case", "expected"), [("points", False), ("judge", False), ("pictures", True)])
def test_whether_a_module_normalises_over_its_batch_is_found_out(case: str, expected: bool) -> None:
    assert network(case).normalises is expected


def test_matrices_are_what_has_two_axes_or_more() -> None:
    own = network("judge")
    assert [own.weights[i].name for i in own.matrices] == ["body.0.weight", "head.weight", "classes.weight"]


def test_operations_are_counted_by_torch() -> None:
    assert network("critic").operations == 2 * (2 * 7 + 7 * 5 + 5)
    once, conv = 2 * 4 * 32, 2 * 2 * 9
    assert network("pictures").operations == once + 2 * (2 * conv * 4 * 4) + 2 * conv * 8 * 8


def test_our_mlp_as_a_module_is_ours() -> None:
    hidden = [7, 5]
    for role, shape in (("generator", (2,)), ("critic", (2,))):
        ours = networks.settings(role, {"hidden": hidden})
        own = settings(role, role.capitalize(), hidden=hidden)
        if role == "generator":
            pair = [networks.generator(values, LATENT, shape, CLASSES) for values in (ours, own)]
        else:
            pair = [networks.critic(values, shape, CLASSES) for values in (ours, own)]
        weights = StackedParameters.drawn(pair[0], generators(range(REPLICAS), 0, "cpu")).constants
        turned = [w.mT if w.dim() == 3 else w for w in weights]
        x = torch.randn(REPLICAS, BATCH, *((LATENT,) if role == "generator" else shape))
        labels = torch.randint(CLASSES, (REPLICAS, BATCH))
        torch.testing.assert_close(pair[1](turned, x, labels), pair[0](weights, x, labels))


def spec(**changes: Any) -> Spec:
    values: dict[str, Any] = {
        "data": {"name": "ring", "modes": CLASSES, "points": 200, "heldout": 50},
        "steps": 4, "evaluations": 2, "batch_size": 8, "latent_dim": LATENT,
        "generator": {"module": "mine:Generator", "hidden": [7]}, "critic": {"module": "mine:Critic", "hidden": [7]},
        "evaluation": {"samples": 50},
        **changes,
    }  # fmt: skip
    return Spec.from_dict(values)


IMAGES: dict[str, Any] = {
    "data": {"name": "digits"}, "generator": {"module": "mine:Pictures"}, "critic": {"module": "mine:Judge"},
    "evaluation": {"samples": 40, "features": "raw"},
    "optimizer": "sgd",  # Adam would enlarge the rounding of gradients that are 0, of biases before a normalisation
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "plain": {"ema": 0.9},
    "r1": {"penalty": "r1", "critic_steps": 2},
    "spectral_norm": {"penalty": "spectral_norm"},
    "clip": {"penalty": {"name": "clip", "bound": 0.1}},
    "consensus": {"penalty": "consensus", "updates": "extragradient"},
    "packing": {"packing": 2, "instance_noise": 0.1},
    "cgan": {"model": "cgan"},
    "jacobian": {"measure": ["jacobian"]},
    "matching": {"model": "matching"},
    "vae": {"model": "vae", "critic": {"hidden": [7]}},
    "images": {**IMAGES, "penalty": "gradient_penalty"},
    "labelled images": {**IMAGES, "model": "cgan", "generator": {"kind": "conv", "width": 2}},
}


@pytest.mark.parametrize("way", WAYS)
def test_training_is_resumed_bit_for_bit_and_is_the_same_alone(way: str) -> None:
    one = spec(**WAYS[way])
    whole, stopped, resumed = Training(one, [3, 4]), Training(one, [3, 4]), Training(one, [3, 4])
    whole.advance()
    stopped.advance()
    resumed.load_state_dict(stopped.state_dict())
    assert repr(whole.advance()) == repr(resumed.advance())  # in which NaN is NaN
    for mine, theirs in zip(whole.model.stacks, resumed.model.stacks, strict=True):
        assert torch.equal(mine.flat, theirs.flat)
    alone = Training(one, [4])
    alone.advance()
    alone.advance()
    for mine, theirs in zip(whole.model.stacks, alone.model.stacks, strict=True):
        torch.testing.assert_close(mine.flat[1], theirs.flat[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "vae"}, "critic.module: expected a kind with vae, whose encoder it describes, got 'mine:Critic'"),
        ({"model": "cgan", "conditioning": "projection"}, "conditioning: expected join, .*, got projection"),
        ({"generator": {"module": "Generator"}}, "generator.module: expected module:attribute, got 'Generator'"),
        (
            {"generator": {"module": "mine:Generator", "kind": "mlp"}},
            "generator.kind: expected no kind beside",
        ),
        ({"critic": {"module": "mine:Critic", 3: 4}}, "critic: expected settings named as keyword arguments, got 3"),
    ],
)
def test_what_an_own_network_cannot_be_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec(**changes)
