"""Every notebook runs on a small table, and is what STYLE asks of one."""

import ast
import json
import runpy
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "analysis" / "notebooks"
NAMES = [
    "01_first_look", "02_compare_stability", "03_budget_and_selection", "04_objectives_and_critics",
    "05_paper_figures",
]  # fmt: skip
PAIR = {
    "name": "hinge", "f": "min(0, d - 1)", "g": "min(0, -1 - d)", "generator": "critic_mean", "sentence": "It is TV.",
    "ratios": [0.1, 1, 10], "optimal_critic": [-1, 0, 1], "divergence": [0.2, 2, 20], "critic_curvature": [0, 0, 0],
    "generator_curvature": [0, "nan", 0], "generator_slope": [1, 1, 1], "dirac_eigenvalues": [[0, 1], [0, -1]],
}  # fmt: skip


def test_all_are_here():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.py")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_a_script_of_cells_that_defines_no_function(name):
    source = (NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    assert source.startswith("# %% [markdown]\n# # ")
    assert source.count("\n# %%\n") >= 3
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, defined)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("confirm", [6, 0])
def test_a_notebook_runs_on_a_small_study_confirmed_or_not(name, confirm, simulate, tmp_path, monkeypatch):
    simulate(tmp_path, trials=4, replicas=2, confirm=confirm, evaluations=4)
    monkeypatch.setenv("GANSTUDY_FOLDER", str(tmp_path))
    monkeypatch.delenv("GANSTUDY_PAPER", raising=False)
    runpy.run_path(str(NOTEBOOKS / f"{name}.py"))


def test_the_paper_gets_a_file_for_each_figure_and_table(simulate, tmp_path_factory, tmp_path, monkeypatch):
    study = simulate(tmp_path_factory.mktemp("study"), trials=4, replicas=2, confirm=6, evaluations=4)
    monkeypatch.setenv("GANSTUDY_FOLDER", str(study))
    monkeypatch.setenv("GANSTUDY_PAPER", str(tmp_path))
    runpy.run_path(str(NOTEBOOKS / "05_paper_figures.py"))
    assert {path.stem for path in tmp_path.glob("*.pdf")} == {
        "outcomes", "survival", "quality", "best-of-k", "best-of-budget", "profiles", "pairs", "selection-bias",
        "learning", "modes", "incidence-diverged",
    }  # fmt: skip
    written = {path.stem for path in tmp_path.glob("*.tex")}
    assert written == {path.stem for path in tmp_path.glob("*.csv")}
    assert written >= {
        "outcomes-confirm", "rates-confirm", "survival-failure-confirm", "times-failure-confirm", "incidence-confirm",
        "quality-confirm", "pairs-confirm", "selection-bias", "best-of-k", "chosen", "spent", "thresholds-confirm",
    }  # fmt: skip


def test_arms_that_were_searched_several_times_are_compared_by_their_searches(simulate, tmp_path, monkeypatch, capsys):
    simulate(tmp_path, trials=4, replicas=2, repeats=3, confirm=6, evaluations=8)
    monkeypatch.setenv("GANSTUDY_FOLDER", str(tmp_path))
    seen = runpy.run_path(str(NOTEBOOKS / "02_compare_stability.py"))
    assert {comparison.unit for comparison in (*seen["findings"].rates.values(), seen["pairs"])} == {"repeat"}
    said = capsys.readouterr().out
    assert "tuned by its search, trains most stably" in said
    assert "80% apart\nsearches" in said


def test_a_notebook_converts_to_ipynb():
    jupytext = pytest.importorskip("jupytext")
    for name in NAMES:
        notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
        cells = json.loads(jupytext.writes(notebook, "ipynb"))["cells"]
        assert {cell["cell_type"] for cell in cells} == {"markdown", "code"}


def test_a_record_that_was_fetched_has_its_pairs_in_the_common_report(simulate, tmp_path, monkeypatch, capsys):
    """`ganstudy report … --out DIR` keeps the record in DIR/STUDY and the report in DIR/report."""
    folder = tmp_path / "simulated"
    folder.mkdir()
    simulate(folder, trials=4, replicas=2, confirm=0, evaluations=4)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "objectives.json").write_text(json.dumps([PAIR]), encoding="utf-8")
    monkeypatch.setenv("GANSTUDY_FOLDER", str(folder))
    runpy.run_path(str(NOTEBOOKS / "04_objectives_and_critics.py"))
    assert PAIR["sentence"] in capsys.readouterr().out
