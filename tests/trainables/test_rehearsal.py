"""What a module of the user's own must not do is refused before training; what it may do, passes."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables import own_code, rehearsal
from trainables.rehearsal import rehearse
from trainables.spec import Spec


class Plain(nn.Module):
    """A critic of points; the others differ from it in one thing."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(shape[0], 8), nn.Tanh())
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


class RunningStatistics(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.body.append(nn.BatchNorm1d(8))


class BatchStatistics(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.body.append(nn.BatchNorm1d(8, track_running_stats=False))


class Dropout(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.body.append(nn.Dropout(0.1))


class FunctionalDropout(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.dropout(x, 0.5))


class Noise(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + 0 * torch.randn_like(x))


class PythonsRandom(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * random.random())


class Counter(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


class Attribute(Plain):
    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


class ClipsItself(Plain):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.head.weight.clamp_(-1e-3, 1e-3)
        return super().forward(x)


class InPlace(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.relu(x, inplace=True))


class TorchsSpectralNorm(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.head = nn.utils.parametrizations.spectral_norm(self.head)


class Branches(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.sum() > 0 else -super().forward(x)


class Selects(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x[x > 0].mean()


class TwoOutputs(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.head = nn.Linear(8, 2)


class Pair(Plain):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return super().forward(x), x


class Mean(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).mean()


class Double(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).double()


class FixedBatch(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(8, 2))


class NoParameters(nn.Module):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1)


class OneMore(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.filter = nn.Parameter(self.made(), requires_grad=self.trained)

    trained = True

    def made(self) -> Tensor:
        raise NotImplementedError


class Complex(OneMore):
    def made(self) -> Tensor:
        return torch.zeros(2, dtype=torch.complex64)


class Whole(OneMore):
    trained = False

    def made(self) -> Tensor:
        return torch.zeros(2, dtype=torch.int64)


class Frozen(OneMore):
    trained = False

    def made(self) -> Tensor:
        return torch.zeros(2)


class Lazy(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.head = nn.LazyLinear(1)


class DrawnBuffer(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.register_buffer("frequencies", torch.randn(2))


class ConstantBuffer(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.register_buffer("frequencies", torch.arange(2.0))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.sin(x + self.frequencies))


class PlainTensor(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.frequencies = torch.arange(2.0)


class PythonsDraws(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        nn.init.constant_(self.head.weight, random.random())


class Tied(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.second(self.first(x).tanh()))


class Detached(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


class Cube(torch.autograd.Function):
    """x^3, whose derivative cannot be differentiated."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x**3

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG004
        ctx.save_for_backward(*inputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x**2 * slope


class OnceDifferentiable(Plain):
    def forward(self, x: Tensor) -> Tensor:
        cubed: Tensor = Cube.apply(x)
        return super().forward(cubed)


class FloatOnly(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


class FailsOnNaN(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.linalg.svdvals(self.body[0].weight).sum()


class Needy(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__(shape, classes)


class NoLabels(Plain):
    pass


class Labels(Plain):
    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.embedding = nn.Embedding(classes, 8)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:  # type: ignore[override]
        hidden = self.body(x)
        out: Tensor = self.head(hidden)[:, 0] + (hidden * self.embedding(labels)).sum(1)
        return out


class Generator(nn.Module):
    def __init__(self, latent_dim: int, shape: tuple[int, ...], classes: int, outputs: int = 0) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(latent_dim, 8), nn.ReLU(), nn.Linear(8, outputs or shape[0]))

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.body(z)
        return out


def a_function(shape: tuple[int, ...], classes: int) -> nn.Module:
    return Plain(shape, classes)


@pytest.fixture(autouse=True)
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mine:NAME` is what has that name here."""
    monkeypatch.setattr(own_code, "attribute", lambda _, location: globals()[location.partition(":")[2]])


def tried(role: str, name: str, settings: dict[str, Any] | None = None, **changes: Any) -> bool:
    """Whether it passes, without an error."""
    values = {"data": "ring", "steps": 4, "evaluations": 2, "batch_size": 16, **changes}
    spec = Spec.from_dict({**values, role: {"module": f"mine:{name}", **(settings or {})}})
    rehearse(spec, (2,), 4)
    return True


@pytest.mark.parametrize(
    "name", ["Plain", "BatchStatistics", "ConstantBuffer", "Tied", "OnceDifferentiable", "FloatOnly"]
)
def test_what_keeps_the_promises_passes(name: str) -> None:
    assert tried("critic", name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("RunningStatistics", r"statistics of the batch at hand .*, got running ones in BatchNorm1d 'body\.2'"),
        ("Dropout", r"outputs that follow from weights and inputs, got Dropout 'body\.2', which is random"),
        ("FunctionalDropout", "outputs that follow from weights and inputs, got two for the same"),
        ("PythonsRandom", "outputs that follow from weights and inputs, got two for the same"),
        ("Noise", "that torch.func.vmap stacks, got RuntimeError: vmap: called random operation"),
        ("Counter", "a forward pass that changes nothing, got one that changes 'calls'"),
        ("Attribute", "a forward pass that changes nothing, got one that changes 'calls'"),
        ("ClipsItself", r"a forward pass that changes nothing, got one that changes 'head\.weight'"),
        (
            "TorchsSpectralNorm",
            r"the same for every seed, got 'head\.parametrizations\.weight\.0\._u'",
        ),
        ("InPlace", "inputs left as they are, got a forward pass that changes them in place"),
        ("Branches", "that torch.func.vmap stacks, got RuntimeError: vmap: .*data-dependent control flow"),
        ("Selects", "that torch.func.vmap stacks, got RuntimeError: vmap: .*dynamic shape"),
        ("TwoOutputs", r"float32 outputs of shape \(16,\) or \(16, 1\) for .*\(16, 2\), got float32 \(16, 2\)"),
        ("Pair", "one tensor of outputs for 4 critic inputs, got a tuple"),
        ("Mean", "one tensor of outputs for 4 critic inputs, got a number for all of them"),
        ("Double", r"float32 outputs .*, got float64 \(16, 1\)"),
        ("FixedBatch", r"a forward pass of critic inputs of shapes? \(4, 2\), got RuntimeError"),
        ("NoParameters", "parameters to train, got none"),
        ("Complex", "float32 parameters, got complex64 in 'filter'"),
        ("Whole", "float32 parameters, got int64 in 'filter'"),
        ("Frozen", "parameters that are trained, got 'filter' without a gradient; a constant is a buffer"),
        ("Lazy", "parameters with shapes, got 'head.weight', which has none before a first batch"),
        ("DrawnBuffer", "buffers that are the same for every seed, got 'frequencies', which is not"),
        ("PlainTensor", "constants that are buffers, by register_buffer, got the plain tensor 'frequencies'"),
        ("PythonsDraws", r"a seed of torch's global random generator fixes, got two values of 'head\.weight'"),
        ("Detached", "outputs with a gradient at the inputs, which the generator learns from, got none"),
        ("FailsOnNaN", "a module that computes with NaN, as a replica that diverges makes it, got"),
        ("Needy", r"a constructor that takes \(shape, classes\), got TypeError: .*missing 1 required .*'width'"),
        ("a_function", "a class of torch.nn.Module, got <function a_function"),
    ],
)
def test_what_breaks_them_is_refused_with_the_reason(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^critic\.module: expected .*{message}.*\(mine:{name}\)$"):
        tried("critic", name)


def test_settings_reach_the_constructor() -> None:
    assert tried("critic", "Needy", {"width": 3})
    with pytest.raises(ValueError, match=r"takes \(shape, classes, depth=3\), got TypeError: .*'depth'"):
        tried("critic", "Plain", {"depth": 3})


def test_a_generator_makes_samples_of_the_datas_shape() -> None:
    assert tried("generator", "Generator")
    with pytest.raises(
        ValueError, match=r"generator\.module: expected float32 outputs of shape \(16, 2\) for .*\(16, 3\)"
    ):
        tried("generator", "Generator", {"outputs": 3})


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"penalty": "r1"}, "penalty r1"),
        ({"penalty": "gradient_penalty"}, "penalty gradient_penalty"),
        ({"measure": ["jacobian"]}, "measure: jacobian"),
        ({"updates": "sga"}, "updates: sga"),
        ({"unroll": 2}, "unroll: 2"),
    ],
)
def test_second_derivatives_are_asked_for_where_they_are_needed(changes: dict[str, Any], needed: str) -> None:
    with pytest.raises(
        ValueError, match=rf"second derivatives, which {needed} needs, got others than differences of first ones"
    ):
        tried("critic", "OnceDifferentiable", **changes)
    assert tried("critic", "Plain", **changes)


class Corners(Plain):
    """Piecewise linear with so many corners that a coarse difference of slopes would turn some."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        deep = [part for _ in range(4) for part in (nn.Linear(256, 256), nn.ReLU())]
        self.body, self.head = nn.Sequential(nn.Linear(shape[0], 256), nn.ReLU(), *deep), nn.Linear(256, 1)


def test_corners_of_a_piecewise_linear_module_are_no_error() -> None:
    assert tried("critic", "Corners", penalty="r1")


def test_consensus_differentiates_the_generators_gradient_too() -> None:
    assert tried("generator", "Generator", penalty="consensus", updates="simultaneous")


def test_float64_is_asked_for_by_the_jacobian() -> None:
    with pytest.raises(ValueError, match="a module that works in float64, as measure: jacobian does, got RuntimeError"):
        tried("critic", "FloatOnly", measure=["jacobian"])


def test_a_cgan_tells_the_label() -> None:
    assert tried("critic", "Labels", model="cgan")
    with pytest.raises(ValueError, match=r"a forward pass of critic inputs of shape.*got TypeError: .*positional"):
        tried("critic", "NoLabels", model="cgan")


def test_a_model_without_a_critic_rehearses_none() -> None:
    assert tried("critic", "Counter", model="matching")


def test_a_class_is_tried_once_for_what_makes_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(rehearsal, "_passed", set())
    monkeypatch.setattr(rehearsal, "try_out", lambda network, *_: seen.append(network.location))
    for changes in ({}, {"generator_lr": 0.1}, {"objective": "hinge"}, {"penalty": {"name": "r1", "weight": 0.5}}):
        tried("critic", "Plain", **changes)
        tried("critic", "Plain", **changes)
    assert seen == ["mine:Plain"] * 2  # without second derivatives, and with
    tried("critic", "Plain", batch_size=8)
    tried("critic", "Tied")
    assert seen[2:] == ["mine:Plain", "mine:Tied"]
