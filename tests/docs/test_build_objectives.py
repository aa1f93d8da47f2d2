"""The page of objectives is built from the table, so that it cannot drift from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import build_objectives
from trainables.objectives import OBJECTIVES
from trainables.objectives.expression import FUNCTIONS
from trainables.objectives.latex import latex
from trainables.objectives.pairing import PAIRINGS
from trainables.objectives.table import resolve

pytestmark = pytest.mark.xdist_group("built page")


@pytest.fixture(scope="module")
def built() -> str:
    return build_objectives.page()


def test_the_committed_page_is_the_built_one(built: str) -> None:
    assert build_objectives.PAGE.read_text(encoding="utf-8") == built, "run `python -m docs.build_objectives`"


def section(page: str, title: str) -> dict[str, list[str]]:
    """The cells of a section's table, by the first of each line."""
    text = page.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_objective_stands_in_every_table(built: str) -> None:
    for title in (
        "Formulas",
        "What the critic estimates, and what the generator descends",
        "Dirac-GAN",
        "Relativistic pairings",
    ):
        assert [name for name in section(built, title) if name not in ("pairing", *PAIRINGS)] == list(OBJECTIVES)


def test_formulas_are_the_tables_own(built: str) -> None:
    cells = section(built, "Formulas")
    for name, row in OBJECTIVES.items():
        assert isinstance(row.f, str)
        assert cells[name][0] == f"$`{latex(row.f)}`$"
        assert cells[name][-1].strip() == row.source
    above = resolve({"name": "alpha", "alpha": 3.0}).objective
    assert f"| the same of orders above 1 | $`d`$ | $`{latex(str(above.g))}`$ |" in built


@pytest.mark.golden
def test_what_generators_descend_is_what_the_literature_says(built: str) -> None:
    cells = section(built, "What the critic estimates, and what the generator descends")
    assert cells["minimax"] == [
        "2 x jensen_shannon - 1.386",  # Goodfellow et al. 2014: 2 JS - log 4
        "jensen_shannon (*fades*)",
        "jensen_shannon (*fades*)",
        "kl of the mixture to the data",
        "reverse_kl",
    ]
    assert cells["kl"][3] == "reverse_kl"  # Poole et al. 2016
    assert cells["least_squares"][0] == "0.125 x triangular - 0.25"  # Mao et al. 2017: Pearson of 2q from p + q
    assert cells["wasserstein"][0].startswith("nothing unless")


@pytest.mark.golden
def test_dirac_eigenvalues_are_the_closed_forms(built: str) -> None:
    cells = section(built, "Dirac-GAN")
    assert cells["non_saturating"] == ["±0.5i", "±0.5i", "±0.5i", "±0.7071i"]  # Mescheder et al. 2018
    assert cells["jeffrey"][0] == "±2i"
    assert cells["least_squares"][0] == "0"


def test_tables_are_whole_and_lines_of_text_short(built: str) -> None:
    widths: dict[str, int] = {}
    for line in built.splitlines():
        if not line.startswith("|"):
            widths.clear()
            assert len(line) <= 120
            continue
        assert widths.setdefault("columns", line.count("|")) == line.count("|")
    assert built.count("`$") == len(re.findall(r"\$`", built))


def test_the_page_names_every_function_of_the_language(built: str) -> None:
    language = built.split("## A pair of your own")[1]
    assert all(f"`{name}`" in language for name in FUNCTIONS)


def test_the_page_is_written_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_objectives, "page", lambda: "# Objectives ±\n")
    assert build_objectives.main([str(tmp_path / "new" / "page.md")]) == 0
    assert (tmp_path / "new" / "page.md").read_text(encoding="utf-8") == "# Objectives ±\n"
