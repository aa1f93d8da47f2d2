"""Whether a module of the user's own keeps a population's promises: one batch, forwards and backwards, before training.

Tried are, with the weights of two seeds: outputs of the right shape and type for two sizes of batch; the same outputs
for the same inputs, with nothing changed by the pass; in company what each replica gives alone, in outputs, gradients
and, where something needs them, second derivatives, which finite differences confirm, as an operation without any may
silently give zeros; and that a replica of NaN leaves the other as it was, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainables import own_code
from trainables.networks.own import OwnNetwork
from trainables.penalties import PENALTIES
from trainables.population import StackedParameters, generators
from trainables.spec import MEANINGLESS, Spec

SEEDS = (0, 1)
LARGEST = 16  # samples of the batch
ODD = 3  # samples of a second one: what is left over when samples are taken in batches has any size
FEW = 4  # samples of what is tried in float64
TOLERANCE = 1e-3  # of the largest number compared, as float32 sums differ in their order
NUDGE = 1e-9  # of the weights, for finite differences: as small as float64 allows, as corners are many
DIRECTIONS = 3
DIFFERENCES = 1e-3  # relative error of finite differences, at most
STEADY = "a forward pass that changes nothing"


class Derivatives(NamedTuple):
    """Outputs (R, B, ...); of their weighted sum the gradients (R, P) and slopes at the inputs (R, B, ...); and, where
    asked, the gradients (R, P) of the squared slopes."""

    outputs: Tensor
    gradients: Tensor
    slopes: Tensor
    second_derivatives: Tensor | None


Apply = Callable[[Sequence[Tensor], Tensor, Tensor | None], Tensor]


_passed: set[tuple[Any, str]] = set()  # classes, and what they were tried on


def rehearse(spec: Spec, shape: tuple[int, ...], classes: int) -> None:
    """Try the own networks of a spec that its model trains, on samples of a shape with so many classes.

    A process tries a class once for what makes a difference. Raises `ValueError` naming the network's setting, what was
    expected and what came.
    """
    for role in spec.own_networks:
        if role in MEANINGLESS.get(spec.model, ()):
            continue
        values = getattr(spec, role)
        needs = needs_second(spec, role), needs_double(spec, role, shape)
        batch = max(2, min(LARGEST, spec.batch_size // spec.packing))
        sizes = shape, classes if spec.model == "cgan" else 0, spec.packing, spec.latent_dim, batch
        tried = own_code.attribute(f"{role}.module", values["module"]), json.dumps([role, values, needs, sizes])
        if tried in _passed:
            continue
        network = spec.network(role, shape, classes)
        assert isinstance(network, OwnNetwork)
        try_out(network, batch, *needs)
        _passed.add(tried)


def needs_second(spec: Spec, role: str) -> str:
    """What differentiates a network's gradient again; empty if nothing does."""
    if "jacobian" in spec.measure:
        return "measure: jacobian"
    if spec.updates == "sga":
        return "updates: sga"
    if spec.unroll and role == "critic":
        return f"unroll: {spec.unroll}"
    names = [penalty["name"] for penalty in spec.penalties]
    again = [name for name in names if name == "consensus" or (role == "critic" and PENALTIES[name].points is not None)]
    return f"penalty {', '.join(again)}" if again else ""


def needs_double(spec: Spec, role: str, shape: tuple[int, ...]) -> str:
    """What computes a network in float64; empty if nothing does."""
    if "jacobian" in spec.measure:
        return "measure: jacobian"
    return "the density of samples on a line" if role == "generator" and shape == (1,) == (spec.latent_dim,) else ""


def try_out(network: OwnNetwork, batch: int, second: str = "", double: str = "") -> None:
    """Try one network on `batch` samples; `second` and `double` say what needs second derivatives and float64.

    Raises `ValueError`.
    """
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(len(SEEDS), batch, *network.inputs, generator=stream)
    x = x.tanh() if len(network.inputs) == 3 else x  # images lie in [-1, 1]
    labels = torch.randint(network.classes, x.shape[:2], generator=stream) if network.classes else None
    flat = StackedParameters.drawn(network, generators(SEEDS, 0, "cpu")).flat
    for count in (batch, ODD):
        _plainly(network, x[0, :count], None if labels is None else labels[0, :count])
    together = derivatives(network, network, flat, x, labels, second)
    for i in range(len(SEEDS)):
        own = None if labels is None else labels[i : i + 1]
        alone = derivatives(network, _alone(network), flat[i : i + 1], x[i : i + 1], own, second)
        for name, mine, stacked in zip(Derivatives._fields, alone, together, strict=True):
            if mine is not None and stacked is not None and not _close(stacked[i], mine[0]):
                raise network.refused(f"in company the {name.replace('_', ' ')} of a replica alone", "others")
    _spoil(network, flat, x, labels, second, together)
    few, told = x[:, :FEW].double(), None if labels is None else labels[:, :FEW]
    if second or double:
        with network.refusing(f"a module that works in float64, as {double or 'this rehearsal'} does"):
            derivatives(network, network, flat.double(), few, told, "")
    if second:
        _confirm_second(network, flat.double(), few, told, second)


def derivatives(
    network: OwnNetwork, apply: Apply, flat: Tensor, x: Tensor, labels: Tensor | None, second: str
) -> Derivatives:
    """Outputs and derivatives at weights (R, P) and inputs (R, B, ...), with `apply` in the network's place."""
    stacked, x = StackedParameters(network, flat.clone()), x.clone().requires_grad_()
    with network.refusing("a forward pass that torch.func.vmap stacks"):
        out = apply(stacked.views, x, labels)
    weighting = torch.randn(out.shape[1:], generator=torch.Generator().manual_seed(1)).to(out)
    total = (out * weighting).flatten(1).sum(1)
    with network.refusing("a backward pass"):
        gradients = stacked.gradient(total, retain=True)
        slopes = torch.autograd.grad(total.sum(), x, create_graph=bool(second), allow_unused=True)
    slope: Tensor | None = slopes[0]
    if slope is None and network.role == "critic":
        raise network.refused("outputs with a gradient at the inputs, which the generator learns from", "none")
    slope = torch.zeros_like(x) if slope is None else slope
    first = out.detach(), gradients, slope.detach()
    if not second:
        return Derivatives(*first, None)
    with network.refusing(f"second derivatives, which {second} needs"):
        energy = slope.flatten(1).square().sum(1)
        return Derivatives(*first, stacked.gradient(energy) if energy.requires_grad else torch.zeros_like(gradients))


def _plainly(network: OwnNetwork, x: Tensor, labels: Tensor | None) -> None:
    """The module as it is, twice on one batch (B, ...): its outputs, and that nothing changes."""
    module = network.module
    given = [x] if labels is None else [x, labels]
    said = f"{network.role} inputs of shapes {', '.join(str(tuple(t.shape)) for t in given)}"
    before = _state(module)
    made: list[object] = []
    for _ in range(2):
        inputs = [t.clone() for t in given]
        with torch.no_grad(), network.refusing(f"a forward pass of {said}"):
            made.append(module(*inputs))
        if not all(torch.equal(mine, now) for mine, now in zip(given, inputs, strict=True)):
            raise network.refused("inputs left as they are", "a forward pass that changes them in place")
        after = _state(module)
        for name in sorted({*before, *after}):
            if name not in before or name not in after or not _same(before[name], after[name]):
                raise network.refused(STEADY, f"one that changes '{name}'")
    out, again = made
    shapes = [(len(x), *network.outputs), *([(len(x), 1)] if network.role == "critic" else [])]
    if not isinstance(out, Tensor) or tuple(out.shape) not in shapes or out.dtype != torch.float32:
        expected = f"float32 outputs of shape {' or '.join(str(shape) for shape in shapes)} for {said}"
        raise network.refused(expected, _described(out))
    if not bool(out.isfinite().all()):
        raise network.refused("finite outputs of initial weights", "others")
    if not (isinstance(again, Tensor) and torch.equal(out, again)):
        raise network.refused("outputs that follow from weights and inputs", "two for the same")


def _confirm_second(network: OwnNetwork, flat: Tensor, x: Tensor, labels: Tensor | None, second: str) -> None:
    """Second derivatives along random directions against differences of slopes, in float64.

    One direction that agrees will do: on another a piecewise linear module may turn a corner.
    """
    found = derivatives(network, network, flat, x, labels, second)
    assert found.second_derivatives is not None
    stream = torch.Generator().manual_seed(2)

    def energy(slopes: Tensor) -> Tensor:
        return slopes.flatten(1).square().sum(1)

    def at(weights: Tensor) -> Tensor:
        return energy(derivatives(network, network, weights, x, labels, "").slopes)

    error = DIFFERENCES * float(energy(found.slopes).max())
    for _ in range(DIRECTIONS):
        direction = torch.randn(flat.shape, dtype=flat.dtype, generator=stream)
        expected = (at(flat + NUDGE * direction) - at(flat - NUDGE * direction)) / (2 * NUDGE)
        given = (found.second_derivatives * direction).sum(1)
        if torch.allclose(given, expected, rtol=DIFFERENCES, atol=error):
            return
    raise network.refused(f"second derivatives, which {second} needs", "others than differences of first ones")


def _spoil(
    network: OwnNetwork, flat: Tensor, x: Tensor, labels: Tensor | None, second: str, whole: Derivatives
) -> None:
    """A replica of NaN beside a healthy one."""
    flat, x = flat.clone(), x.clone()
    flat[1], x[1] = torch.nan, torch.nan
    with network.refusing("a module that computes with NaN, as a replica that diverges makes it"):
        touched = derivatives(network, network, flat, x, labels, second)
    for kept, now in zip(whole, touched, strict=True):
        if kept is not None and now is not None and not torch.equal(kept[0], now[0]):
            raise network.refused("a replica that is NaN to leave the others as they are", "one that changes them")


def _alone(network: OwnNetwork) -> Apply:
    """The module itself, unstacked, for a population of one."""

    def apply(weights: Sequence[Tensor], x: Tensor, labels: Tensor | None) -> Tensor:
        named = {weight.name: tensor[0] for weight, tensor in zip(network.weights, weights, strict=True)}
        out: Tensor = functional_call(network.module, named, (x[0],) if labels is None else (x[0], labels[0]))
        return (out.squeeze(-1) if network.role == "critic" and out.dim() == 2 else out)[None]

    return apply


def _state(module: nn.Module) -> dict[str, Any]:
    """Copies of parameters and buffers, and the plain values among the attributes of a module and its parts."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    found: dict[str, Any] = {name: tensor.detach().clone() for name, tensor in tensors}
    for place, part in module.named_modules():
        plain = {name: value for name, value in vars(part).items() if isinstance(value, (int, float, str, Tensor))}
        found |= {f"{place}.{name}".lstrip("."): value for name, value in plain.items()}
    return found


def _same(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else bool(a == b)


def _close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= TOLERANCE * b.abs().max())


def _described(out: object) -> str:
    return f"{out.dtype} {tuple(out.shape)}".removeprefix("torch.") if isinstance(out, Tensor) else repr(type(out))
