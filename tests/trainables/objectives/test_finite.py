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


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (
            {"name": "alpha_loss", "alpha_d": 0.01},
            "objective.alpha_d: expected a value and slope that float32 holds at |d| up to 1, where critics begin, got"
            " alpha_d = 0.01, with which f(d) is alpha_d/(alpha_d - 1)*expm1((1 - alpha_d)/alpha_d*softplus(-d)),"
            " too large at d = -0.4",
        ),
        ({"name": "alpha_loss", "alpha_g": 0.001}, "objective.alpha_g: expected a value and slope that float32 holds"),
        ({"name": "alpha", "alpha": 0.97}, "objective.alpha: expected a value and slope that float32 holds"),
        ({"name": "alpha", "alpha": 1e300}, "objective.alpha: expected a finite value and slope at every real d"),
        (
            {"name": "least_squares", "b": 1e25},
            "objective.b: expected a finite value and slope at every real d, as a critic's output may be any, got"
            " b = 1e+25, with which f(d) is -(d - b)**2/2, which is infinite at d = 0, in float32 as training computes",
        ),
        (
            {"name": "mine", "f": "exp(100*d)", "g": "-d"},
            "objective.f: expected a value and slope that float32 holds at |d| up to 1, where critics begin, got"
            " exp(100*d), too large at d = 0.85",
        ),
        ({"name": "mine", "f": "d", "g": "-1e39*d"}, "objective.g: expected a finite value and slope at every real d"),
    ],
)
def test_what_float32_cannot_hold_where_critics_begin_is_refused_under_its_key(
    objective: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        finite.require(resolve(objective))


@pytest.mark.parametrize(
    ("objective", "loss", "told"),
    [
        (
            {"name": "alpha", "alpha": 0.75},  # (e^-d/4)^-3, of slope 3 times as large
            "default",
            ["objective.alpha: with alpha = 0.75 g(d) is too large for float32 from d = 27.75 up"],
        ),
        (
            {"name": "alpha_loss", "alpha_d": 0.2, "alpha_g": 0.25},  # e^(4 softplus(d)) and e^(3 softplus(d))
            "default",
            [
                "objective.alpha_d: with alpha_d = 0.2 f(d) is too large for float32 from d = -22.2 down,"
                " g(d) is too large for float32 from d = 22.2 up",
                "objective.alpha_g: with alpha_g = 0.25 the generator's loss is too large for float32 from d = 29.6 up",
            ],
        ),
        (
            {"name": "mine", "f": "d**400", "g": "-d"},
            "exp(2*d)",
            [
                "objective.f: f(d) = d**400 is too large for float32 from d = -1.25 down and from d = 1.25 up",
                "generator_loss: the generator's loss = exp(2*d) is too large for float32 from d = 44.05 up",
            ],
        ),
    ],
)
def test_what_float32_cannot_hold_farther_out_is_told(objective: dict[str, object], loss: str, told: list[str]) -> None:
    game = resolve(objective, loss)
    finite.require(game)
    assert list(finite.overflows(game)) == [f"{said}, where a replica counts as diverged" for said in told]


@pytest.mark.parametrize(
    ("formula", "on"),
    [
        ("-log(1 + exp(-d))", "from d = -89 down"),
        ("exp(d)/(exp(d) + exp(-d))", "from d = -89 down and from d = 89 up"),
    ],
)
def test_a_part_that_float32_cannot_hold_is_told_where_the_whole_is_not_large(formula: str, on: str) -> None:
    game = resolve({"name": "mine", "f": formula, "g": "-d"})
    finite.require(game)
    assert finite.overflows(game) == (
        f"objective.f: f(d) = {formula} has a part too large for float32, though itself is not, {on}, where a replica"
        " counts as diverged",
    )


@pytest.mark.parametrize("f", ["-softplus(-d)", "exp(d)", "-exp(-d)", "d**3", "log(1 + d**2)", "tanh(d)", "abs(d)"])
def test_of_what_is_held_or_grows_too_large_beyond_50_nothing_is_told(f: str) -> None:
    assert finite.overflows(resolve({"name": "mine", "f": f, "g": LOGISTIC})) == ()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_of_the_rows_with_their_defaults_nothing_is_told(name: str) -> None:
    assert finite.overflows(resolve({"name": name})) == ()


numbers_of = {  # the range of each row's numbers, on a logarithmic scale where both ends are positive
    "alpha": {"alpha": (-60.0, 60.0)},
    "alpha_loss": {"alpha_d": (1e-3, 1e3), "alpha_g": (1e-3, 1e3)},
    "least_squares": {"a": (-1e3, 1e3), "b": (-1e3, 1e3), "c": (-1e3, 1e3)},
    "energy": {"m": (1e-6, 1e6)},
}


@st.composite
def parametrised(draw: st.DrawFn) -> dict[str, object]:
    name = draw(st.sampled_from(list(numbers_of)))
    drawn: dict[str, object] = {"name": name}
    for key, (low, high) in numbers_of[name].items():
        if low > 0:
            drawn[key] = math.exp(draw(st.floats(math.log(low), math.log(high))))
        else:
            drawn[key] = draw(st.one_of(st.floats(low, high, width=32), st.floats(-1, 2, width=32)))
    return drawn


def test_the_ranges_tried_are_of_every_row_that_has_numbers() -> None:
    assert {name: list(ends) for name, ends in numbers_of.items()} == {
        name: list(row.parameters) for name, row in OBJECTIVES.items() if row.parameters
    }


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(parametrised())
def test_rows_are_finite_as_far_as_is_told_whatever_their_numbers(drawn: dict[str, object]) -> None:
    """And never NaN at |d| up to 1e4."""
    try:
        game = resolve(drawn)
        finite.require(game)
    except ValueError:
        event("refused")
        return
    told = re.findall(r"from d = (\S+) (?:up|down)", " ".join(finite.overflows(game)))
    nearest = min((abs(float(place)) for place in told), default=50.0)
    event("told" if told else "passes")
    d = torch.cat([torch.linspace(-50, 50, 1777), torch.tensor([-1e4, -3e3, -300.0, -104.0, 104.0, 300.0, 3e3, 1e4])])
    for function in (game.f, game.g, game.loss):
        value, (slope,) = function(game.link(d)), derivatives(lambda x, part=function: part(game.link(x)), d)
        assert not value.isnan().any()
        assert not slope.isnan().any()
        within = d.abs() <= nearest - 0.1
        assert value[within].isfinite().all()
        assert slope[within].isfinite().all()


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
