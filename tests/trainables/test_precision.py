"""What is computed in less than float32 and what is not, against torch's autocast, and torch's switches put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import native, precision
from trainables.data import DataSet, load
from trainables.models.updates import ORDERS
from trainables.networks import critic, generator, settings
from trainables.objectives import OBJECTIVES
from trainables.penalties import PENALTIES
from trainables.population import views
from trainables.precision import PRECISIONS, exact, lowered, products_in
from trainables.spec import Spec
from trainables.training import Training

SMALL = {"hidden": [16, 16]}
RING: dict[str, Any] = {"name": "ring", "points": 400, "heldout": 100}
CONV = {"kind": "conv", "width": 4, "depth": 2, "batch_norm": True}
RESNET = {"kind": "resnet", "width": 2, "depth": 2}
DIGITS: dict[str, Any] = {"data": {"name": "digits"}, "latent_dim": 4}
PRODUCTS = ("mm", "bmm", "baddbmm", "addmm", "convolution", "convolution_backward")
SWITCHES = {
    "matmul": torch.backends.cuda.matmul,
    "conv": torch.backends.cudnn.conv,
    "rnn": torch.backends.cudnn.rnn,
    "matmul on processors": torch.backends.mkldnn.matmul,
    "conv on processors": torch.backends.mkldnn.conv,
}


class Nothing:
    """An evaluator that measures nothing."""

    samples = 16

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


@pytest.fixture(scope="module")
def sets() -> Mapping[str, DataSet]:
    return {"ring": load(**RING), "digits": load("digits")}


def trained(sets: Mapping[str, DataSet], **changes: Any) -> Training:
    values: dict[str, Any] = {"data": RING, "steps": 8, "evaluations": 2, "batch_size": 16}
    spec = Spec(**{**values, "generator": SMALL, "critic": SMALL, **changes})
    return Training(spec, [0, 1], data=sets[spec.data["name"]], evaluator=Nothing())  # type: ignore[arg-type]


class Noting(TorchDispatchMode):
    """Notes the types that products are taken in, and what torch's switch for cards then is."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.types, self.switches = set[torch.dtype](), list[str]()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.overloadpacket.__name__ in PRODUCTS:
            self.types |= {one.dtype for one in args if isinstance(one, Tensor)}
            self.switches.append(torch.backends.cuda.matmul.fp32_precision)
        return function(*args, **(kwargs or {}))


@contextmanager
def noted() -> Iterator[Noting]:
    with Noting() as noting:
        yield noting


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"model": "cgan", "conditioning": "projection", "batch_size": 8}, {"model": "cyclegan"}, {"model": "vae"},
        {"penalty": "balanced_consistency", "pairing": "relativistic", "critic_steps": 2},
        {"penalty": {"name": "clip", "bound": 0.1}, "updates": "extragradient"},
        {"generator": {"hidden": [8], "batch_norm": True}, "critic": {"hidden": [8], "activation": "maxout"}},
        {"generator": {"kind": "affine"}},
        *({**DIGITS, "generator": kind, "critic": kind} for kind in (CONV, RESNET)),
        {**DIGITS, "generator": CONV, "critic": RESNET, "model": "vae"},
        {**DIGITS, "generator": CONV, "critic": CONV, "model": "cgan"},
    ],
    ids=str,
)  # fmt: skip
def test_every_product_of_a_step_is_rounded(changes: dict[str, Any], sets: Mapping[str, DataSet]) -> None:
    training = trained(sets, precision="bf16", **changes)
    with noted() as noting:
        training.take_steps(1)
    assert noting.types == {torch.bfloat16}
    assert all(x.dtype in (torch.float32, torch.int64, torch.float64, torch.bool) for x in training.state)


@pytest.mark.parametrize("penalty", [name for name, row in PENALTIES.items() if row.points])
def test_penalties_on_gradients_are_not(penalty: str, sets: Mapping[str, DataSet]) -> None:
    with native.disabled(), noted() as noting:
        trained(sets, precision="bf16", penalty=penalty).take_steps(1)
    assert noting.types == {torch.bfloat16, torch.float32}


def test_what_is_measured_is_not(sets: Mapping[str, DataSet]) -> None:
    training = trained(sets, precision="bf16")
    training.take_steps(4)
    with native.disabled(), noted() as noting:
        training.measure()
        training.samples(8)
    assert noting.types == {torch.float32}


class Modules(nn.Module):
    """One replica of the players as modules of torch."""

    def __init__(self, training: Training, i: int) -> None:
        super().__init__()
        self.players = nn.ModuleList([self._net(2, nn.ReLU(), 2), self._net(2, nn.LeakyReLU(0.2), 1)])
        for module, stack in zip(self.players, training.model.stacks, strict=True):
            for parameter, view in zip(module.parameters(), stack.views, strict=True):
                parameter.data = (view[i].mT if view.dim() == 3 else view[i]).detach().clone()

    def _net(self, inputs: int, activation: nn.Module, outputs: int) -> nn.Module:
        layers = [nn.Linear(inputs, 16), activation, nn.Linear(16, 16), activation, nn.Linear(16, outputs)]
        return nn.Sequential(*layers)

    def call(self, which: int, x: Tensor, rounds: bool = True) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=rounds):
            out: Tensor = self.players[which](x)
        return out.float()

    def gradients(self, batches: Any, i: int, weight: float, rounds: bool) -> tuple[Tensor, Tensor]:
        """Of the critic on the first batch, with R1, and of the generator on the second; flat, as the population's."""
        first, second = batches
        with torch.no_grad():
            fake = self.call(0, first.latents[i], rounds)
        real = first.real[i].clone().requires_grad_()
        on_real, on_fake = self.call(1, torch.cat([real.detach(), fake]), rounds).chunk(2)  # of a weight one gradient
        loss = functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()
        (slope,) = torch.autograd.grad(self.call(1, real, rounds=False).sum(), real, create_graph=True)
        loss = loss + weight / 2 * slope.square().sum(1).mean()
        other = functional.softplus(-self.call(1, self.call(0, second.latents[i], rounds), rounds)).mean()
        return self._flat(loss, 1), self._flat(other, 0)

    def _flat(self, loss: Tensor, which: int) -> Tensor:
        found = torch.autograd.grad(loss, list(self.players[which].parameters()))
        return torch.cat([(g.mT if g.dim() == 2 else g).flatten() for g in found])


def test_a_step_is_that_of_modules_under_autocast(sets: Mapping[str, DataSet]) -> None:
    """Sums within a product may come in another order, so that single numbers may be rounded the other way: they agree
    within a rounding of bfloat16, 2^-8, of the gradient's length, and by far closer than with float32."""
    training = trained(
        sets, precision="bf16", penalty={"name": "r1", "weight": 0.5}, updates="simultaneous", optimizer="sgd",
        beta1=0.0, generator_lr=1.0, critic_lr=1.0,
    )  # fmt: skip
    before = [stack.flat.clone() for stack in training.model.stacks]
    (batches,) = training.sampler.draw(1)
    modules = [Modules(training, i) for i in range(2)]
    with products_in("bf16"):
        training.take_step(batches)
    for i in range(2):
        theirs = modules[i].gradients(batches, i, 0.5, rounds=True)
        unrounded = modules[i].gradients(batches, i, 0.5, rounds=False)
        for which, place in ((0, 1), (1, 0)):
            ours = (before[which] - training.model.stacks[which].flat)[i]
            apart, gap = ((ours - other[place]).norm() / other[place].norm() for other in (theirs, unrounded))
            assert apart < 2**-8
            assert apart < gap / 2


KINDS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "mlp": ({"hidden": [16, 16]}, (2,)), "normalised": ({"hidden": [16], "batch_norm": True}, (2,)),
    "conv": ({"kind": "conv", "width": 4, "depth": 2}, (1, 8, 8)), "resnet": (RESNET, (1, 8, 8)),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_networks_in_bfloat16_are_near_those_in_float32(kind: str) -> None:
    values, shape = KINDS[kind]
    both = generator(settings("generator", values), 3, shape), critic(settings("critic", values), shape)
    draws = torch.Generator().manual_seed(0)
    for network, inputs in zip(both, ((3,), shape), strict=True):
        weights = views(network, torch.stack([network.draw(draws) for _ in range(2)]))
        x = torch.randn(2, 12, *inputs, generator=draws)
        with products_in("bf16"):
            ours = network(weights, x)
        whole = network(weights, x)
        assert ours.dtype == torch.float32
        assert 0 < (ours - whole).norm() / whole.norm() < 2**-5


@pytest.mark.parametrize("updates", ORDERS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty_and_order_is_trained_or_refused_by_name(
    penalty: str, updates: str, sets: Mapping[str, DataSet]
) -> None:
    given: Any = {"name": "clip", "bound": 0.1} if penalty == "clip" else penalty
    if penalty == "consensus" and updates in ("alternating", "sga"):
        pytest.skip("refused in any precision")
    if penalty == "consensus" or updates == "sga":
        with pytest.raises(ValueError, match=r"precision: expected fp32 with (sga|consensus), which differentiates"):
            trained(sets, precision="bf16", penalty=given, updates=updates)
        return
    lower, whole = (trained(sets, precision=p, penalty=given, updates=updates) for p in ("bf16", "fp32"))
    for training in (lower, whole):
        training.take_steps(2)
    assert lower.alive.all()
    # Two steps of Adam are 0.002 long at most; rounding moves them by less.
    assert 0 < (lower.model.stacks[1].flat - whole.model.stacks[1].flat).abs().max() < 4e-3


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_is_trained(objective: str, sets: Mapping[str, DataSet]) -> None:
    training = trained(sets, precision="bf16", objective=objective)
    training.take_steps(2)
    assert training.alive.all()


def test_replicas_of_one_population_share_it(sets: Mapping[str, DataSet]) -> None:
    one = trained(sets).spec
    with pytest.raises(ValueError, match="replicas of one population must agree in precision"):
        Training([one, replace(one, precision="bf16")], [0, 1], data=sets["ring"])


def read() -> dict[str, Any]:
    return {name: one.fp32_precision for name, one in SWITCHES.items()} | {
        "summed": torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    }


def test_torchs_switches_are_set_and_put_back() -> None:
    before = read()
    with products_in("tf32"):
        assert lowered()
        on_processors = {"matmul on processors": "ieee", "conv on processors": "ieee"}
        assert read() == {"matmul": "tf32", "conv": "tf32", "rnn": "tf32", **on_processors, "summed": False}
        with exact():
            assert not lowered()
            assert {value for value in read().values() if value} == {"ieee"}
            assert not torch.backends.cudnn.allow_tf32
            with torch.backends.cudnn.flags(enabled=False):  # which a module may use
                pass
        assert lowered()
    assert read() == before


def test_an_error_puts_them_back_as_well() -> None:
    before = read()
    with pytest.raises(ZeroDivisionError), products_in("bf16"):
        1 / 0  # noqa: B018
    assert read() == before
    assert not lowered()


def test_what_a_user_has_set_is_neither_used_nor_lost(sets: Mapping[str, DataSet]) -> None:
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # of products of float32 on a processor
    try:
        with native.disabled(), products_in("fp32"):
            x = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
            torch.testing.assert_close((x @ x).double(), x.double() @ x.double(), rtol=1e-4, atol=1e-4)
        assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"
    finally:
        torch.backends.mkldnn.matmul.fp32_precision = "none"


def test_a_card_takes_penalties_and_their_gradients_in_float32(
    sets: Mapping[str, DataSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor takes no heed of a card's switch, so that the numbers are float32's and only the switch is seen."""
    monkeypatch.setattr(precision, "offered", lambda device: PRECISIONS)
    ours, whole = (trained(sets, precision=name, penalty="r1", optimizer="sgd") for name in ("tf32", "fp32"))
    with native.disabled():
        with noted() as noting:
            ours.take_steps(1)
        with noted() as everywhere:
            whole.take_steps(1)
        with noted() as unpenalised:
            trained(sets, precision="tf32").take_steps(1)
    for one, other in zip(ours.model.stacks, whole.model.stacks, strict=True):
        torch.testing.assert_close(one.flat, other.flat, rtol=1e-5, atol=1e-7)
    assert set(unpenalised.switches) == {"tf32"}
    assert noting.switches.count("tf32") == len(unpenalised.switches)
    assert noting.switches.count("ieee") == len(everywhere.switches) - len(unpenalised.switches) > 0
    assert set(everywhere.switches) == {"ieee"}


def test_a_device_without_it_refuses_before_anything_is_trained(
    sets: Mapping[str, DataSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "precision: expected fp32 or bf16 on a processor, which has no tf32, got tf32"
    with pytest.raises(ValueError, match=message):
        trained(sets, precision="tf32")
    assert trained(sets, precision="tf32", model="oracle").spec.precision == "tf32"  # which computes no network
    monkeypatch.setattr(torch.cuda, "device", lambda _: torch.no_grad())
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    with pytest.raises(
        ValueError, match=r"precision: expected fp32 on this device \(cuda\), which has no bf16, got bf16"
    ):
        precision.require("bf16", torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert precision.offered(torch.device("cuda")) == PRECISIONS
    assert precision.offered(torch.device("mps")) == ("fp32",)
