"""Pairs that are not finite wherever a critic's output may be, and what passes."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st

from trainables.objectives import OBJECTIVES, Objective, finite, resolve
from trainables.objectives.expression import ExpressionError, parse, parts
from trainables.objectives.optimum import derivatives
from trainables.objectives.table import GENERATOR_LOSSES

LOGISTIC = "-softplus(d)"


def require(f: str, g: str = LOGISTIC, generator: str = "saturating") -> None:
    finite.require(resolve({"name": "mine", "f": f, "g": g, "generator": generator}))


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("log(d)", "is infinite at d = 0; with D = sigmoid(d) the textbook's log D is -softplus(-d)"),
        ("log(1 - d)", "is infinite at d = 1; with D = sigmoid(d)"),
        ("log(1 - sigmoid(d))", "is infinite at d = "),  # 36.7, from where sigmoid(d) is rounded to 1
        ("log1p(d)", "is infinite at d = -1"),
        ("sqrt(d)", "is NaN at d = -0.05; what is under a root must stay above 0"),
        ("sqrt(abs(d))", "slope is NaN at d = 0; what is under a root"),
        ("sqrt(d**2)", "slope is NaN at d = 0"),
        ("sqrt(relu(d))", "slope grows without end near d = 0;"),
        ("sqrt(max(d, 0.1) - 0.1)", "slope grows without end near d = 0.1;"),
        ("1/d", "is infinite at d = 0; what divides must stay away from 0"),
        ("1/(d - 0.123)**2", "is infinite at d = 0.123"),  # between points of the grid, and of no sign
        ("log(abs(3*d - 0.7))", "d = 0.2333"),  # at no number that can be held exactly
        ("1/(3*d - 0.7)", "d = 0.2333"),
        ("sqrt(abs(3*d - 0.7))", "d = 0.2333"),
        ("1/max(d, 0)", "is infinite at d = 0"),
        ("d/abs(d)", "is NaN at d = 0"),
        ("d**0.5", "is NaN at d = -0.05; the base of such a power must stay above 0"),
        ("d**-1", "is infinite at d = 0; the base"),
        ("abs(d - 0.1)**0.9", "slope is NaN at d = 0.1"),
        ("d**d", "is NaN at d = -0.05"),
        ("exp(2*d)/(1 + exp(2*d))", "is NaN at d = 44.4, in float32 as training computes; what divides"),
        ("inf*d", "is NaN at d = 0; sigmoid, softplus and tanh are finite everywhere"),
        ("inf", "is infinite at d = 0"),
    ],
)
def test_what_is_not_finite_everywhere_is_refused_and_located(formula: str, found: str) -> None:
    with pytest.raises(ValueError, match=r"^objective.f: expected a finite value and slope at every real d") as refused:
        require(formula)
    assert f"got {formula}, whose slope" in str(refused.value) or f"got {formula}, which" in str(refused.value)
    assert found in str(refused.value)
    with pytest.raises(ValueError, match=r"^objective.g: .*" + re.escape(found)):
        require("-softplus(-d)", formula)


@pytest.mark.parametrize("loss", ["-log(f)", "1/(f + 2.0001*d)", "sqrt(g)"])
def test_the_generators_loss_is_looked_at_too(loss: str) -> None:
    with pytest.raises(ValueError, match=r"^generator_loss: expected a finite value and slope at every real d"):
        require("d", "-d", loss)


@pytest.mark.parametrize(
    "formula",
    [
        "d", "1", "abs(d)", "sign(d)", "min(0, d - 1)", "abs(d)**1.5", "d**3", "2**-d", "cosh(d)", "sin(d)",
        "exp(d)", "exp(exp(d))", "exp(d**2)", "d**400", "1e30*exp(d)",  # these only grow too large to be held
        "log(1 + exp(d))", "log(1 + d**2)", "sqrt(1 + d**2)", "sqrt(d**2 + 1e-12)", "1/(1 + d**2)", "d/(1 + abs(d))",
        "sigmoid(1000*d)", "log(sigmoid(d))",
    ],
)  # fmt: skip
def test_what_is_finite_or_grows_too_large_passes(formula: str) -> None:
    require(formula)
    require(formula, formula)


@pytest.mark.parametrize("loss", ["default", *GENERATOR_LOSSES])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_tables_rows_pass(name: str, loss: str) -> None:
    finite.require(resolve({"name": name}, loss))


@pytest.mark.parametrize("alpha", [-50, -1, -0.1, 0.01, 0.1, 0.5, 0.75, 1.01, 1.5, 2, 5, 100])
def test_the_alpha_divergence_passes(alpha: float) -> None:
    finite.require(resolve({"name": "alpha", "alpha": alpha}))


@pytest.mark.parametrize("settings", [{"a": -1000, "b": 1000}, {"a": 1, "b": 0, "c": 0}])
def test_labels_at_their_extremes_pass(settings: dict[str, float]) -> None:
    finite.require(resolve({"name": "least_squares", **settings}))


def test_functions_in_python_are_tried_as_training_calls_them() -> None:
    def log(d: torch.Tensor) -> torch.Tensor:
        assert d.dtype == torch.float32
        assert d.dim() == 2
        return torch.log(d)

    with pytest.raises(ValueError, match=r"objective.f: .* got log, which is infinite at d = 0, in float32"):
        finite.require(resolve(Objective("mine", log, "-d")))
    finite.require(resolve(Objective("mine", log, "-d", link="0.1 + softplus(d)")))


def test_the_parts_of_a_formula() -> None:
    found = {part.text for part in parts("min(d - alpha, 2*d, 3) + exp(1)", ("d",), {"alpha": 1.0})}
    assert found == {
        "min(d - alpha, 2 * d, 3) + exp(1)", "min(d - alpha, 2 * d, 3)", "d - alpha", "2 * d", "d",
        "d - alpha - 2 * d", "d - alpha - 3", "2 * d - 3",
    }  # fmt: skip


numbers = st.sampled_from(["0", "1", "2", "0.5", "0.1", "3", "-1"])
formulas = st.recursive(
    st.one_of(st.just("d"), st.just("d"), numbers),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["2", "0.5", "-1", "1.5"])).map(lambda t: f"({t[0]})**{t[1]}"),
        st.tuples(
            st.sampled_from(["log", "log1p", "sqrt", "exp", "abs", "relu", "sigmoid", "softplus", "tanh", "-"]), inner
        ).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=5,
)


@pytest.mark.property
@settings(max_examples=400, deadline=None)
@given(
    formulas,
    st.lists(
        st.one_of(
            st.floats(-50, 50, width=32),
            st.sampled_from([k / n for k in range(-20, 21) for n in (1, 2, 3, 10)]),
        ),
        min_size=20,
    ),
)
def test_no_pair_that_passes_gives_nan_at_a_finite_d(formula: str, outputs: list[float]) -> None:
    try:
        expression = parse(formula)
        require(formula)
    except ExpressionError:
        event("no formula")
        return
    except ValueError:
        event("refused")
        return
    event("passes")
    for dtype in (torch.float32, torch.float64):
        d = torch.tensor(outputs, dtype=dtype)
        value, (slope,) = expression(d=d), derivatives(lambda x: expression(d=x), d)
        assert not value.isnan().any()
        assert not slope.isnan().any()


def test_a_logarithm_of_a_sigmoid_is_what_the_advice_says() -> None:
    d = torch.linspace(-10, 10, 41, dtype=torch.float64)
    for textbook, instead in (("log(sigmoid(d))", "-softplus(-d)"), ("log(1 - sigmoid(d))", "-softplus(d)")):
        torch.testing.assert_close(parse(textbook)(d=d), parse(instead)(d=d))
    assert float(parse("-softplus(-d)")(d=torch.tensor(0.0))) == pytest.approx(-math.log(2))
