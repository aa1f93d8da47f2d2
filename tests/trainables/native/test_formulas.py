"""Elementwise functions as programs against the same functions in torch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables import native, objectives
from trainables.native import formula, formulas
from trainables.native.formulas import LONGEST, OPERATIONS
from trainables.objectives import OBJECTIVES
from trainables.objectives.expression import FUNCTIONS, parse
from trainables.penalties import PENALTIES

pytestmark = pytest.mark.skipif(not native.available(), reason="needs a C compiler")
EVERYWHERE = torch.linspace(-5, 5, 403)
POSITIVE = torch.linspace(0.05, 5, 101)


def agree(function: Callable[[Tensor], Tensor], at: Tensor) -> None:
    found = formula(function)
    assert found is not None
    x = at.clone().requires_grad_()
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x, materialize_grads=True)
    ours = found(at)
    torch.testing.assert_close(ours[0], y.detach(), rtol=5e-6, atol=1e-6)
    torch.testing.assert_close(ours[1], slope, rtol=1e-5, atol=1e-6)


def text_agrees(text: str, at: Tensor) -> None:
    expression = parse(text)
    agree(lambda d: expression(d=d), at)


@pytest.mark.parametrize("loss", ["default", *objectives.GENERATOR_LOSSES])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective(name: str, loss: str) -> None:
    game = objectives.resolve({"name": name}, loss)
    for part in (game.f, game.g, game.loss):
        agree(lambda d, part=part: part(game.link(d)), EVERYWHERE)


@pytest.mark.parametrize("name", [name for name, row in PENALTIES.items() if row.cost is not None])
def test_every_penalty(name: str) -> None:
    cost = PENALTIES[name].cost
    assert cost is not None
    agree(cost, POSITIVE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_formulas(name: str) -> None:
    text_agrees(f"3*{name}(d/2) - 1/4", POSITIVE if name in ("log", "log1p", "sqrt") else EVERYWHERE)


@pytest.mark.parametrize(
    "text", ["d", "d + d*d - 3/d", "d/(2 - d) - d", "(1 - d)**3", "d**0", "min(d, 1 - d, 2)", "max(-d, d**2)"]
)
def test_arithmetic(text: str) -> None:
    text_agrees(text, POSITIVE)


@pytest.mark.parametrize("text", ["min(d, -d)", "max(d, -d)", "abs(d)", "relu(d)", "sign(d)"])
def test_corners_are_those_of_torch(text: str) -> None:
    text_agrees(text, torch.tensor([-1.0, 0.0, 1.0]))


def test_steepness_behind_a_bound_does_not_count() -> None:
    text_agrees("max(d, 0)**0.5", torch.tensor([-2.0, -1.0, 1.0]))


def test_nan_stays_nan() -> None:
    for function in (lambda d: d.clamp(max=0), torch.relu, functional.logsigmoid):
        found = formula(function)
        assert found is not None
        assert found(torch.tensor([torch.nan]))[0].isnan().all()


def test_functions_of_tensors() -> None:
    agree(lambda d: functional.relu(d).square() - d.clamp(-1, 2), EVERYWHERE)


@pytest.mark.parametrize(
    "function",
    [
        lambda d: d - d.mean(),
        lambda d: d.cumsum(0),
        lambda d: d if bool(d > 0) else -d,
        lambda d: d * torch.tensor(2.0),
        lambda d: torch.add(d, d, alpha=2),
        lambda d: 2**d,
        lambda d: d + d.detach(),
        torch.zeros_like,
        lambda d: "d",
    ],
)
def test_what_is_not_known_is_not_a_formula(function: Callable[[Tensor], Tensor]) -> None:
    assert formula(function) is None


def test_long_functions_are_not_formulas() -> None:
    def many(times: int) -> Callable[[Tensor], Tensor]:
        def function(d: Tensor) -> Tensor:
            for _ in range(times):
                d = -d
            return d

        return function

    agree(many(LONGEST), EVERYWHERE)
    assert formula(many(LONGEST + 1)) is None


def test_operations_are_those_of_the_kernels() -> None:
    source = (native.library.SOURCES / "game.c").read_text()
    text = source[source.index("#define EACH(one)") : source.index("#define NAME")]
    ours = {"pow": "power", "neg": "negative", "abs": "absolute", "log_sigmoid_forward": "log_sigmoid",
                   "minimum": "smaller", "maximum": "larger"}  # fmt: skip
    assert [name.split(")")[0].lower() for name in text.split("one(")[1:]] == [
        ours.get(name, name) for name in OPERATIONS
    ]


def test_to_note_a_function_does_not_import_torchs_compiler() -> None:
    """Torch wraps what a mode does in a function that imports it, a second and a half of every worker."""
    assert not hasattr(formulas._Noted.__torch_dispatch__, "__wrapped__")
