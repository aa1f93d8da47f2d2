from __future__ import annotations

import pytest

from trainables.objectives.expression import FUNCTIONS
from trainables.objectives.latex import latex
from trainables.objectives.table import GENERATOR_LOSSES, OBJECTIVES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d", "d"),
        ("-softplus(-d)", r"-\mathrm{softplus}(-d)"),
        ("-(d - b)**2/2", r"-\frac{(d - b)^{2}}{2}"),
        ("-(b - a)**2/2 * r/(r + 1)", r"-\frac{\frac{(b - a)^{2}}{2} \, r}{r + 1}"),
        ("r*log(r) - (1 + r)*log1p(r)", r"r \, \log r - (1 + r) \, \log(1 + r)"),
        ("1 - (d - 2)", "1 - (d - 2)"),
        ("1 - (-d)", "1 - (-d)"),
        ("-(d + 1)", "-(d + 1)"),
        ("2*(r - 1)", "2 (r - 1)"),
        ("2*3", r"2 \cdot 3"),
        ("(-d)**2", "(-d)^{2}"),
        ("(d**2)**3", "(d^{2})^{3}"),
        ("(d/2)**2", r"\left(\frac{d}{2}\right)^{2}"),
        ("exp(d)**2", "(e^{d})^{2}"),
        ("expm1(d)*2", r"(e^{d} - 1) \cdot 2"),
        ("square(d + 1)", "(d + 1)^{2}"),
        ("log((1 + r)/2)", r"\log\left(\frac{1 + r}{2}\right)"),
        ("abs(r - 1)", r"\left\lvert r - 1 \right\rvert"),
        ("sign(r - 1)*inf", r"\mathrm{sign}(r - 1) \, \infty"),
        ("min(0, d - 1)", r"\min(0, d - 1)"),
        ("0.5*alpha", r"0.5 \, \alpha"),
    ],
)
def test_formulas_as_latex(text: str, expected: str) -> None:
    assert latex(text) == expected


def test_every_formula_of_the_table_and_every_function_has_a_form() -> None:
    for row in OBJECTIVES.values():
        for text in (row.f, row.g, row.optimal, row.phi, row.link, row.generator):
            if isinstance(text, str) and text not in GENERATOR_LOSSES:
                assert balanced(latex(text))
    for name in FUNCTIONS:
        assert balanced(latex(f"{name}(d/2)"))


def balanced(text: str) -> bool:
    counts = [text.count(bracket) for bracket in "(){}"]
    return counts[0] == counts[1] and counts[2] == counts[3] and "|" not in text


@pytest.mark.parametrize("text", ["d +", "d.x", "d if d else 1", "d[0]", "'d'", "f(d)(d)", "d // 2"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a formula, got "):
        latex(text)
