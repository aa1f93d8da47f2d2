from __future__ import annotations

import pytest

markdown = pytest.importorskip("markdown", reason="the site needs mkdocs-material: pip install 'ganstudy[docs]'")

from docs import formulas  # noqa: E402


def rendered(text: str) -> str:
    return str(markdown.markdown(text, extensions=["tables", "docs.formulas"]))


def test_a_formula_in_a_line_or_a_table_is_mathml_and_code_is_code() -> None:
    found = rendered("the pair $`(f, g)`$ and `code`\n\n| a | b |\n|---|---|\n| $`\\frac{1}{2}`$ | `x` |\n")
    assert found.count("<math") == 2
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in found
    assert found.count("<code>") == 2
    assert "$" not in found


@pytest.mark.parametrize(("latex", "shown"), [(r"\arg\max_d", "max"), (r"d^\ast", "∗"), ("g'", "′")])
def test_what_the_converter_does_not_know_is_drawn_all_the_same(latex: str, shown: str) -> None:
    found = formulas.mathml(latex)
    assert shown in found
    assert "\\" not in found


def test_a_formula_of_its_own_line_may_scroll() -> None:
    assert formulas.block("F = 1", "math", "formula").startswith('<div class="formula"><math')
