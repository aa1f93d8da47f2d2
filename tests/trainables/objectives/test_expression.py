"""The language of formulas: what it means, what it refuses, and that it never runs Python."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from trainables.objectives.expression import CONSTANTS, DEEPEST, FUNCTIONS, LONGEST, ExpressionError, parse
from trainables.objectives.optimum import derivatives

X = torch.linspace(-3, 3, 61, dtype=torch.float64)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d", X),
        ("-d", -X),
        ("+d", X),
        ("--d", X),
        (" d ", X),
        ("d + 1", X + 1),
        ("1 - d", 1 - X),
        ("2*d - d*3", -X),
        ("1/(d*d + 1)", 1 / (X * X + 1)),
        ("-d**2", -(X**2)),
        ("2**-d", 0.5**X),
        ("d**2**0.5", X.abs() ** math.sqrt(2) * torch.where(X < 0, math.nan, 1.0)),
        ("1e-3*d", X / 1000),
        ("exp(-d)", (-X).exp()),
        ("-softplus(-d)", -(1 + (-X).exp()).log()),
        ("min(0, d - 1)", torch.minimum(torch.zeros_like(X), X - 1)),
        ("max(d, -d, 1)", X.abs().clamp(min=1)),
        ("min(d, 1)", X.clamp(max=1)),
        ("min(max(d, -1), 1)", X.clamp(-1, 1)),
        ("max(1, 2)*d", 2 * X),
        ("log(2) - softplus(-d)", math.log(2) - (1 + (-X).exp()).log()),
        ("pi*d + e", math.pi * X + math.e),
        ("sign(d)*abs(d)", X),
        ("sqrt(square(d))", X.abs()),
    ],
)
def test_formulas_mean_what_they_say(text: str, expected: torch.Tensor) -> None:
    torch.testing.assert_close(parse(text)(d=X), expected, equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree_with_the_standard_library(name: str) -> None:
    independent = {
        "square": lambda x: x * x,
        "abs": abs,
        "sign": lambda x: math.copysign(1, x),
        "relu": lambda x: max(x, 0.0),
        "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
        "logsigmoid": lambda x: -math.log1p(math.exp(-x)),
        "softplus": lambda x: math.log1p(math.exp(x)),
    }
    function = independent.get(name) or getattr(math, name)
    positive = X[X > 0]
    expected = torch.tensor([function(float(x)) for x in positive], dtype=torch.float64)
    torch.testing.assert_close(parse(f"{name}(d)")(d=positive), expected)
    assert float(parse(f"0*d + {name}(0.7)")(d=X)[0]) == pytest.approx(function(0.7), rel=1e-12)


def test_softplus_is_exact_far_out() -> None:
    d = torch.tensor([-1000.0, -40.0, 25.0, 1000.0], dtype=torch.float64)
    expected = torch.tensor([0.0, math.exp(-40), 25 + math.log1p(math.exp(-25)), 1000.0], dtype=torch.float64)
    torch.testing.assert_close(parse("softplus(d)")(d=d), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_logarithm_of_a_softplus_and_its_derivatives_are_exact_far_out(dtype: torch.dtype) -> None:
    """log(log(1 + e^x)), with y = e^x: y/((1 + y) log(1 + y)) and that times 1/(1 + y) less itself."""
    x = [-1e4, -800.0, -104.0, -41.0, -40.0, -39.0, -17.5, -3.0, 0.5, 6.0, 30.0, 1e4]
    y = [math.exp(min(one, 600)) for one in x]
    log = [math.log1p(two) if one < 600 else one for one, two in zip(x, y, strict=True)]
    value = [one if one < -40 else math.log(two) for one, two in zip(x, log, strict=True)]
    first = [1.0 if one < -40 else a / (1 + a) / b for one, a, b in zip(x, y, log, strict=True)]
    second = [-a / 2 if one < -20 else c * (1 / (1 + a) - c) for one, a, c in zip(x, y, first, strict=True)]
    d = torch.tensor(x, dtype=dtype)
    expression = parse("log(softplus(d))")
    found = [expression(d=d), *derivatives(lambda at: expression(d=at), d, 2)]
    eps = torch.finfo(dtype).eps
    for ours, expected in zip(found, (value, first, second), strict=True):
        torch.testing.assert_close(ours, torch.tensor(expected, dtype=dtype), rtol=200 * eps, atol=4 * eps)
    near = X.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda at: expression(d=at), near)
    torch.testing.assert_close(parse("2*log(softplus(-d)) - 1")(d=X), 2 * (1 + (-X).exp()).log().log() - 1)


@pytest.mark.parametrize("text", ["0", "1 + 1", "log(2)", "max(1, 2)", "pi", "-inf"])
def test_a_constant_is_spread_over_the_variables_shape(text: str) -> None:
    d = torch.randn(2, 3)
    value = parse(text)(d=d)
    assert value.shape == (2, 3)
    assert value.dtype == torch.float32
    assert (value == value[0, 0]).all()


def test_variables_and_constants_of_the_callers() -> None:
    expression = parse("alpha*x + y", ("x", "y"), {"alpha": 3.0})
    torch.testing.assert_close(expression(x=X, y=X**2), 3 * X + X**2)
    assert expression.text == "alpha*x + y"
    with pytest.raises(
        ExpressionError, match="'d' is not allowed in a formula: a formula knows x, y, pi, e, inf, alpha"
    ):
        parse("d", ("x", "y"), {"alpha": 3.0})


def test_precision_follows_the_input() -> None:
    for dtype in (torch.float32, torch.float64):
        assert parse("1/3 + log(2)*d + min(d, 0.1)")(d=X.to(dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("text", "derivative"),
    [
        ("exp(-d)", -(-X).exp()),
        ("-softplus(-d)", (-X).sigmoid()),
        ("d**3", 3 * X**2),
        ("tanh(d)/2", 0.5 / X.cosh() ** 2),
    ],
)
def test_autograd_goes_through(text: str, derivative: torch.Tensor) -> None:
    d = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(parse(text)(d=d).sum(), d)
    torch.testing.assert_close(gradient, derivative)
    assert torch.autograd.gradgradcheck(lambda x: parse(text)(d=x), X[::10].clone().requires_grad_())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("__import__('os').system('true')", r"'__import__\('os'\).system\('true'\)' is not allowed"),
        ("d.__class__", "'d.__class__' is not allowed"),
        ("exp.__globals__", "'exp.__globals__' is not allowed"),
        ("().__class__.__bases__[0]", r"'\(\).__class__.__bases__\[0\]' is not allowed"),
        ("__builtins__", "'__builtins__' is not allowed in a formula: a formula knows d, pi, e, inf"),
        ("open('x')", r"'open\('x'\)' is not allowed in a formula: the functions are exp"),
        ("eval('1')", r"'eval\('1'\)' is not allowed"),
        ("getattr(d, 'grad')", "'getattr"),
        ("pow(d, 2)", r"'pow\(d, 2\)' is not allowed in a formula: the functions are"),
        ("d(1)", r"'d\(1\)' is not allowed"),
        ("exp", "'exp' is not allowed in a formula: .*functions in front of brackets"),
        ("x", "'x' is not allowed in a formula: a formula knows d"),
        ("(lambda: d)()", r"'\(lambda: d\)\(\)' is not allowed"),
        ("lambda d: d", "'lambda d: d' is not allowed"),
        ("[d for d in (1, 2)]", r"'\[d for d in \(1, 2\)\]' is not allowed"),
        ("{d}", "'{d}' is not allowed"),
        ("{}", "'{}' is not allowed"),
        ("(d, d)", r"'\(d, d\)' is not allowed"),
        ("d[0]", r"'d\[0\]' is not allowed"),
        ("'text'", "''text'' is not allowed"),
        ("b'text'", "'b'text'' is not allowed"),
        ("f'{d}'", "'f'{d}'' is not allowed"),
        ("exp('1')", "''1'' is not allowed"),
        ("d < 1", "'d < 1' is not allowed"),
        ("d == d", "'d == d' is not allowed"),
        ("d and d", "'d and d' is not allowed"),
        ("not d", "'not d' is not allowed"),
        ("d if d else 1", "'d if d else 1' is not allowed"),
        ("(d := 1)", r"'\(d := 1\)' is not allowed"),
        ("~d", "'~d' is not allowed"),
        ("d // 2", "'d // 2' is not allowed"),
        ("d % 2", "'d % 2' is not allowed"),
        ("d @ d", "'d @ d' is not allowed"),
        ("d << 9", "'d << 9' is not allowed"),
        ("d ^ 2", r"'d \^ 2' is not allowed"),
        ("1j*d", "'1j' is not allowed"),
        ("True*d", "'True' is not allowed in a formula: only numbers are constants"),
        ("None", "'None' is not allowed"),
        ("...", "'...' is not allowed"),
        ("exp(d, d)", r"'exp\(d, d\)' is not allowed in a formula: exp takes one argument"),
        ("exp()", r"'exp\(\)' is not allowed in a formula: exp takes one argument"),
        ("exp(x=d)", r"'exp\(x=d\)' is not allowed"),
        ("min(d)", r"'min\(d\)' is not allowed in a formula: min takes two or more arguments"),
        ("min(d, 1, key=abs)", "'min"),
        ("exp(*d)", r"'\*d' is not allowed"),
        ("max(*d, 1)", r"'\*d' is not allowed"),
        ("1/0", "'1 / 0' is not allowed in a formula: .*division by zero"),
        ("d + 1/(2 - 2)", r"'1 / \(2 - 2\)' is not allowed"),
        ("(-1)**0.5*d", r"'\(-1\) \*\* 0.5' is not allowed in a formula: the value is not a real number"),
        ("log(-1) + d", r"'log\(-1\)' is not allowed in a formula: the value is not a real number"),
        ("inf - inf", "'inf - inf' is not allowed in a formula: the value is not a real number"),
        ("1e999*d", "is not allowed in a formula: the number is too large"),
        ("await d", "'await d' is not allowed"),
    ],
)
def test_everything_else_is_refused_and_shown(text: str, shown: str) -> None:
    with pytest.raises(ExpressionError, match=shown):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "d d",
        "d +",
        "(d",
        "d)",
        "d; d",
        "import os",
        "d = 1",
        "yield d",
        "*d",
        "# d",
        "d\n+ 1",
        "d\x00",
        "0d",
    ],
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="not a formula: "):
        parse(text)


@pytest.mark.parametrize(
    ("text", "character"), [("d²", "²"), ("−d", "−"), ("ｅxp(d)", "ｅ"), ("d\u200b", "u200b"), ("\ud800", "ud800")]
)
def test_only_ascii_is_read(text: str, character: str) -> None:
    with pytest.raises(ExpressionError, match=f"{character}' is not allowed in a formula: only ASCII characters are"):
        parse(text)


@pytest.mark.parametrize("text", ["1if d else 2", "0x1for", "d(1)", "1(d)", "'\\d'"])
def test_python_has_no_say_in_the_terminal(text: str, recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(ExpressionError, match="formula"):
        parse(text)
    assert not recwarn


@pytest.mark.parametrize("value", [None, 1, 2.0, b"d", ["d"], X])
def test_only_text_is_read(value: object) -> None:
    with pytest.raises(ExpressionError, match="expected a formula as text, got "):
        parse(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["9**9**9", "9**9**9**9", "d + 9**9**9", "9.0**9**9", "exp(9**9**9)", "9" * 499, "-" + "9" * 400 + "*d"]
)
def test_huge_numbers_are_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ExpressionError, match="is not allowed in a formula: the number is too large"):
        parse(text)
    assert time.perf_counter() - start < 1


def test_infinity_is_a_constant() -> None:
    assert parse("sign(d)*inf")(d=torch.tensor([-2.0, 3.0])).tolist() == [-math.inf, math.inf]
    assert CONSTANTS["inf"] == math.inf


def test_length_is_limited() -> None:
    longest = "d" + " " * (LONGEST - 2) + ")"
    with pytest.raises(ExpressionError, match="not a formula"):
        parse(longest)
    with pytest.raises(ExpressionError, match=f"expected a formula of at most {LONGEST} characters, got {LONGEST + 1}"):
        parse(longest + " ")


@pytest.mark.parametrize("text", ["-" * 60 + "d", "d" + "+d" * 60, "d**" * 60 + "d", "exp(" * 60 + "d" + ")" * 60])
def test_depth_is_limited(text: str) -> None:
    with pytest.raises(ExpressionError, match=f"a formula may nest at most {DEEPEST} levels deep"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["(" * 240 + "d" + ")" * 240, "[" * 480, "f(" + "-" * 450 + "d)", "{" * 200 + "}" * 200]
)
def test_nesting_that_exhausts_python_is_refused_too(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_brackets_are_free() -> None:
    assert torch.equal(parse("(" * 60 + "d" + ")" * 60)(d=X), X)


def test_a_refusal_is_short() -> None:
    with pytest.raises(ExpressionError, match=r"\.\.\.' is not allowed") as refused:
        parse("d['" + "x" * 300 + "']")
    assert len(str(refused.value)) < 200


names = st.sampled_from(["d", "2", "0.5", "pi"])
formulas = st.recursive(
    names,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["tanh", "sigmoid", "softplus", "-", "abs"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=8,
)


@pytest.mark.property
@settings(max_examples=100, deadline=None)
@given(formulas, st.floats(-5, 5))
def test_formulas_of_the_language_agree_with_python(text: str, d: float) -> None:
    scope = {
        "tanh": math.tanh,
        "sigmoid": lambda x: (1 + math.tanh(x / 2)) / 2,
        "softplus": lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))),
        "pi": math.pi,
        "d": d,
    }
    expected = eval(text, scope)
    value = parse(text)(d=torch.tensor([d], dtype=torch.float64))
    assert float(value) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="d1.+-*/() exploging_[]'\",<=:#\\n", max_size=40))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        event("refused")
    else:
        assert expression(d=X).shape == X.shape


class Negations(TorchDispatchMode):
    """Counts them."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func._schema.name == "aten::neg"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("formula", "sign", "inner", "negations"),
    [
        ("softplus(d)", -1, -1, 2),
        ("softplus(-d)", -1, 1, 1),
        ("-softplus(d)", 1, -1, 1),
        ("-softplus(-d)", 1, 1, 0),
        ("-softplus(-(2*d))", 1, 2, 0),
    ],
)
def test_nothing_is_negated_twice(formula: str, sign: int, inner: int, negations: int) -> None:
    d = torch.linspace(-40, 40, 81)
    parsed = parse(formula)
    with Negations() as seen:
        found = parsed(d=d)
    assert torch.equal(found, sign * functional.logsigmoid(inner * d))
    assert seen.count == negations
