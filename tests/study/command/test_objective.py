from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from study.__main__ import main
from study.command import objective
from study.config.messages import ConfigError
from trainables.objectives import OBJECTIVES, Objective, induced
from trainables.objectives.pairing import PAIRINGS

KEYS = (  # what --json promises
    "name", "f", "g", "generator", "ratios", "optimal_critic", "divergence", "generator_curvature", "value_at_equality",
    "is_divergence", "strict", "generator_descends", "matches", "dirac_eigenvalues",
)  # fmt: skip
PAIR = ("--f", "-softplus(-d)", "--g", "-softplus(d)")
FEW = ("--ratios", "1e-4", "1e4", "9")


def doubled(d: Tensor) -> Tensor:
    return -2 * torch.nn.functional.softplus(-d)


ROW = Objective("doubled", doubled, "-2*softplus(d)", "saturating", "4 JS", "this test", boundary=0.0)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["objective", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return str(out)


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--json"))
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["objective", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ganstudy: ")
    return str(err).removeprefix("ganstudy: ").rstrip("\n")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_explained_for_people_and_machines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, name, *FEW)
    assert set(KEYS) <= set(found)
    assert found["name"] == name
    assert len(found["ratios"]) == len(found["optimal_critic"]) == len(found["divergence"]) == 9
    text = printed(capsys, name, *FEW)
    assert " ".join(text.split()).startswith(" ".join(found["sentence"].split()))
    assert all(title in text for title in ("d*(r)", "phi(r)", "generator's phi''", "Dirac-GAN"))


def test_what_float32_cannot_hold_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = as_json(capsys, "alpha", "--set", "alpha=0.75", *FEW)["overflows"]
    assert told.startswith("objective.alpha: with alpha = 0.75 g(d) is too large for float32 from d = 27.75 up, where")
    assert told in " ".join(printed(capsys, "alpha", "--set", "alpha=0.75", *FEW).split())
    assert as_json(capsys, "alpha", *FEW)["overflows"] == []
    assert "float32" not in printed(capsys, "alpha", *FEW)


@pytest.mark.golden
def test_known_values_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "non_saturating")
    ratios = np.array(found["ratios"])
    assert (len(ratios), ratios[0], ratios[-1]) == (161, pytest.approx(1e-4), pytest.approx(1e4))
    np.testing.assert_allclose(found["optimal_critic"], np.log(ratios), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["generator_curvature"], 1 / (ratios**2 * (1 + ratios)), rtol=1e-6)
    assert found["value_at_equality"] == pytest.approx(-math.log(4))
    assert found["matches"] == "jensen_shannon"
    assert found["generator_matches"] == "kl of the mixture to the data"
    assert (found["is_divergence"], found["strict"], found["generator_descends"]) == (True, True, True)
    assert found["dirac_eigenvalues"] == [[0, 0.5], [0, -0.5]]


def test_a_pair_of_ones_own_is_what_its_formulas_say(capsys: pytest.CaptureFixture[str]) -> None:
    own = as_json(capsys, *PAIR, "--generator", "-f", *FEW)
    built_in = as_json(capsys, "non_saturating", *FEW)
    assert own["name"] == "yours"
    assert (own["f"], own["g"], own["generator"]) == ("-softplus(-d)", "-softplus(d)", "-f")
    for key in ("optimal_critic", "divergence", "generator_curvature", "dirac_eigenvalues"):
        assert own[key] == built_in[key]
    assert as_json(capsys, "mine", *PAIR, *FEW)["name"] == "mine"
    assert as_json(capsys, *PAIR, *FEW)["generator"] == "saturating"


@pytest.mark.parametrize("written", [["--f", "-exp(-d) + 1"], ["--f=-exp(-d) + 1"], ["--f", " -exp(-d) + 1"]])
def test_formulas_may_begin_with_a_minus_sign(written: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, *written, "--g", "1 - exp(d)", *FEW)
    assert found["matches"] == "squared_hellinger"


def test_parameters_are_set_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "least_squares", "--set", "a=-1", "--set", "c=0", *FEW)
    assert found["parameters"] == {"a": -1, "b": 1, "c": 0}
    assert found["value_at_equality"] == pytest.approx(-1)  # -(b - a)^2/4
    assert "a = -1, b = 1, c = 0" in printed(capsys, "least_squares", "--set", "a=-1", "--set", "c=0", *FEW)


def test_the_generators_loss_is_a_choice_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "kl", "--generator", "non_saturating", *FEW)
    assert found["generator_matches"] == "reverse_kl"
    text = printed(capsys, "minimax", "--generator", "d", *FEW)
    assert "none: it climbs for r from 0.0001 to 1e+04" in text


def test_a_row_in_python_is_found_by_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = type(sys)("laboratory")
    monkeypatch.setitem(sys.modules, "laboratory", module)
    module.ROW = ROW  # type: ignore[attr-defined]
    found = as_json(capsys, "laboratory:ROW", *FEW)
    assert found["matches"] == "jensen_shannon"
    assert found["f"] == "doubled"
    assert "4 x jensen_shannon - 2.773" in printed(capsys, "laboratory:ROW", *FEW)


@pytest.mark.parametrize("name", [name for name in PAIRINGS if name != "independent"])
def test_a_pairing_is_explained_for_people_and_machines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "hinge", "--pairing", name)
    assert (found["name"], found["pairing"], found["is_divergence"], found["finite"]) == ("hinge", name, True, True)
    text = " ".join(printed(capsys, "hinge", "--pairing", name).split())
    assert text.startswith(" ".join(found["sentence"].split()))
    assert "no critic finds a difference" in text


def test_all_is_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "--all").splitlines()
    names = [line.split()[0] for line in lines if line.split() and line.split()[0] in OBJECTIVES]
    assert names == list(OBJECTIVES)
    (absolute,) = (line for line in lines if line.split()[:1] == ["absolute_error"])
    assert "0.5 x total_variation - 0.5" in absolute
    assert "fades" in absolute
    assert "+-0.125i" in absolute


def test_all_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "--all")["objectives"]
    assert [row["name"] for row in found] == list(OBJECTIVES)
    assert all(set(KEYS) <= set(row) for row in found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "objective: expected --all, --f and --g, or one of minimax, "),
        (["hing"], "objective: unknown name 'hing'; did you mean 'hinge'?"),
        (["--f", "d.__class__", "--g", "d"], "objective.f: 'd.__class__' is not allowed in a formula"),
        (["--f", "d", "--g", "open('x')"], "objective.g: 'open('x')' is not allowed in a formula"),
        (["--f", "d", "--g", "-exp(d"], "objective.g: not a formula: '-exp(d'"),
        (["--f", "-d", "--g", "-x"], "objective.g: 'x' is not allowed in a formula: a formula knows d"),
        (["--f", "d"], "objective.g: expected a formula of d, got nothing"),
        (["minimax", *PAIR], "objective.name: expected a name of your own beside f and g, got 'minimax'"),
        (
            ["--f", "log(d)", "--g", "log(1-d)"],
            "objective.f: expected a finite value and slope at every real d, as a critic's output may be any, got"
            " log(d), which is infinite at d = 0; with D = sigmoid(d) the textbook's log D is -softplus(-d) and its"
            " log(1 - D) is -softplus(d)",
        ),
        (["--f", "d", "--g", "d"], "objective: expected f and g that set critic and generator against each other, got"),
        (["kl", "--generator", "1/d"], "generator_loss: expected a finite value and slope at every real d"),
        (["kl", "--generator", "-h"], "generator_loss: 'h' is not allowed in a formula"),
        (["alpha", "--set", "alpha=1"], "objective.alpha: expected a number other than 0 and 1"),
        (
            ["alpha_loss", "--set", "alpha_d=0.01"],
            "objective.alpha_d: expected a value and slope that float32 holds at |d| up to 1, where critics begin, got"
            " alpha_d = 0.01, with which f(d) is alpha_d/(alpha_d - 1)*expm1((1 - alpha_d)/alpha_d*softplus(-d)),",
        ),
        (["kl", "--set", "beta=1"], "objective kl.beta: unknown setting"),
        (["kl", "--set", "alpha"], "--set: expected key.path=value, got 'alpha'"),
        (["nowhere.at.all:ROW"], "objective: expected a module 'nowhere' in "),
        (["kl", "--ratios", "0", "1", "5"], "--ratios: expected 0 < LOW < HIGH and N from 2 to 2000, got 0 1 5"),
        (["kl", "--ratios", "2", "1", "5"], "--ratios: expected 0 < LOW < HIGH"),
        (["kl", "--ratios", "1", "inf", "5"], "--ratios: expected 0 < LOW < HIGH"),
        (["kl", "--ratios", "nan", "1", "5"], "--ratios: expected 0 < LOW < HIGH"),
        (["kl", "--ratios", "1", "2", "9999999"], "--ratios: expected 0 < LOW < HIGH"),
        (["kl", "--ratios", "1", "2", "few"], "--ratios: expected two numbers and how many, got 1 2 few"),
        (["kl", "--plot", "kl.jpg"], "--plot: expected a name that ends in .png, .pdf, .svg, got 'kl.jpg'"),
        (["kl", *FEW, "--plot", "/dev/null/a.png"], "--plot: expected a file that can be written, got /dev/null/a.png"),
        (["kl", "--pairing", "relative"], "--pairing: unknown name 'relative'; did you mean 'relativistic'?"),
        (
            ["kl", "--pairing", "relativistic", "--plot", "kl.png"],
            "--plot: expected pairing independent, as no density",
        ),
        (["--all", "--pairing", "relativistic"], "--pairing: expected independent with --all, got 'relativistic'"),
        (["--all", "kl"], "--all: expected alone or with --json, got it with name"),
        (["--all", "--plot", "a.png"], "--all: expected alone or with --json, got it with plot"),
    ],
)
def test_bad_input_exits_2_and_shows_the_piece(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments).startswith(message)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_plot_that_would_wait_for_a_reader_is_refused(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "kl.png")
    told = refused(capsys, "kl", *FEW, "--plot", str(tmp_path / "kl.png"))
    assert told.startswith("--plot: expected a file that can be written, got ")


def test_an_option_without_its_formula_is_argparses_to_refuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["objective", "--f", "--g", "d"])
    assert ended.value.code == 2
    assert "argument --f: expected one argument" in capsys.readouterr().err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["objective", "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("NAME", "--f EXPR", "--g EXPR", "--generator", "--ratios", "--plot FILE"))


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("SVG", b"<?xml")])
def test_the_picture_has_the_format_its_name_says(
    ending: str, begins: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"hinge.{ending}"
    as_json(capsys, "hinge", "--plot", path)
    assert path.read_bytes().startswith(begins)


def test_explaining_needs_neither_ray_nor_mlflow() -> None:
    code = (
        "import sys\nfrom study.__main__ import main\n"
        "main(['objective', 'kl', '--ratios', '0.1', '10', '3'])\n"
        "heavy = {'ray', 'mlflow', 'optuna', 'pandas', 'matplotlib'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, timeout=60)


def test_where_the_picture_is_is_said_to_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kl.svg"
    text = printed(capsys, "kl", *FEW, "--plot", path).replace("\n", "")
    assert text.endswith(f"the picture is in {path}")
    assert path.is_file()


@pytest.mark.parametrize(
    ("name", "said", "cells"),
    [
        ("hinge", "phi has a kink at r = 1: phi'' is 0 beside it", {"kink": 2, "0": 16}),  # |r - 1| - (r + 1)
        ("absolute_error", "phi has a kink at r = 1: phi'' is 0 beside it", {"kink": 2, "0": 16}),  # -min(r, 1)/2
        ("pearson_chi2", "phi is strictly convex at r = 1", {"2": 18}),  # (r - 1)^2
    ],
)
def test_the_column_of_curvatures_agrees_with_what_is_said_of_phi(
    name: str, said: str, cells: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, name, "--ratios", "0.1", "10", "9")
    assert said in " ".join(out.split())
    rows = [line.split() for line in out.splitlines() if line[:1] == " " and line.strip()[:1].isdigit()]
    assert len(rows) == 9
    found = [cell for row in rows for cell in row[3:5]]
    assert {cell: found.count(cell) for cell in set(found)} == cells


def test_a_game_that_circles_is_told_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(printed(capsys, "hinge", *FEW).split())
    assert "goes outwards where both players take their steps at the same time (updates: simultaneous)" in text


EXPLAINED = induced.explain("hinge", np.geomspace(0.1, 10, 5))


def test_a_stretch_is_named_by_its_ends() -> None:
    assert objective.ascent(EXPLAINED) == ""
    low, mid, one, _, high = EXPLAINED.ratios.tolist()
    climbing = replace(EXPLAINED, ascends_at=(low, mid, high))
    assert objective.ascent(climbing) == f"from 0.1 to {mid:.3g}, from 10 to 10"
    assert objective.ascent(replace(EXPLAINED, ascends_at=(one,))) == "from 1 to 1"


@pytest.mark.parametrize(
    ("root", "expected"),
    [(0.5j, "+-0.5i"), (1j, "+-i"), (2 + 0j, "+-2"), (0j, "0"), (complex(math.nan, 0), "undefined")],
)
def test_eigenvalues_in_words(root: complex, expected: str) -> None:
    assert objective.eigenvalues(replace(EXPLAINED, dirac_eigenvalues=(root, -root))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "2 x total_variation - 2"),
        ({"scale": 1.0, "shift": 0.0}, "total_variation"),
        ({"scale": 1.0, "shift": 0.5}, "total_variation + 0.5"),
        ({"matches": None}, "an f-divergence without a common name"),
        ({"matches": None, "is_divergence": False}, "no divergence: phi is linear at r = 1"),
        ({"matches": None, "is_divergence": False, "limits": "infinite for r >= 1.01"}, "nothing unless the critic is"),
        ({"matches": None, "is_divergence": False, "limits": "not found for r >= 1.01"}, "nothing that was found"),
        ({"matches": None, "is_divergence": False, "value_at_equality": math.inf}, "nothing, as constant critics win"),
        ({"matches": None, "limits": "infinite for r >= 2"}, "an f-divergence, infinite for r >= 2"),
    ],
)
def test_what_the_critic_estimates_in_words(changes: dict[str, Any], expected: str) -> None:
    assert objective.estimates(replace(EXPLAINED, **changes)).startswith(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "total_variation"),
        ({"generator_matches": None}, "another, without a common name"),
        ({"generator_matches": None, "generator": "saturating"}, "the same"),
        ({"generator_matches": None, "limits": "not found for r >= 2"}, "a divergence"),
        ({"generator_descends": False}, "none"),
        ({"ascends_at": (0.1,)}, "none: it climbs for r from 0.1 to 0.1"),
    ],
)
def test_what_the_generator_descends_in_words(changes: dict[str, Any], expected: str) -> None:
    assert objective.descends(replace(EXPLAINED, **changes)) == expected


def test_what_was_not_found_of_a_pairing_is_not_claimed(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--f", "d + sqrt(1 + abs(d))", "--g=-d", "--pairing", "relativistic")
    assert "not known to be finite" in text
    assert "infinite" not in text


def test_the_table_keeps_to_a_narrow_terminal() -> None:
    out = StringIO()
    objective.show(induced.explain("jeffrey"), {}, Console(file=out, width=90))
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 90
    assert sum("e+0" in line or "e-0" in line or "0.0001" in line for line in lines) >= 2


def test_formulas_are_plain_text_and_no_markup() -> None:
    out = StringIO()
    marked = replace(EXPLAINED, f="[bold]d[/bold]", sentence="[red]hinge[/red]")
    objective.show(marked, {}, Console(file=out, width=120))
    assert "[bold]d[/bold]" in out.getvalue()
    assert "[red]hinge[/red]" in out.getvalue()


def test_nothing_named_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected --all, --f and --g, or one of"):
        objective.game(None, None, None, None)


def test_what_is_infinite_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "--f", "d", "--g", "-d", "--generator", "d**3", "--ratios", "0.5", "2", "2")
    rows = [line.split() for line in out.splitlines() if line.strip().startswith(("0.5 ", "2 "))]
    assert [(row[1], row[2], row[5]) for row in rows] == [
        ("-infinite", "infinite", "infinite"), ("infinite", "infinite", "infinite"),
    ]  # fmt: skip
