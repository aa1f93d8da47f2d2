"""The command reproduce: what it runs, what it prints, and the papers' numbers that come with it."""

from __future__ import annotations

import json
import re
import shlex
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.results.published import about
from analysis.statistics.intervals import wilson
from study.__main__ import main
from study.command import init, reproduce
from study.command.reproduce import CLAIMS, claims_of, papers
from study.config import loading
from study.record.build import build_record

TINY = Path(__file__).parents[2] / "tiny.yaml"
TOLD = """
paper: "A & B 2020, On rings"
source: table 1
short: [budget.steps=10, budget.evaluations=2]
differs: [the rings are small]
claims:
  - {arm: hinge, median: fid, published: 0.35}
  - {arm: non_saturating, share: modes, within: [8, 8], published: 0.9, runs: 10}
"""
Asked = list[Namespace]


@pytest.fixture
def configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of configurations with one paper, `rings`."""
    (tmp_path / "configs" / "papers" / CLAIMS).mkdir(parents=True)
    (tmp_path / "configs" / "papers" / "rings.yaml").write_bytes(TINY.read_bytes())
    (tmp_path / "configs" / "papers" / CLAIMS / "rings.yaml").write_text(TOLD)
    monkeypatch.setattr(init, "_folder", lambda: tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "configs" / "papers"


@pytest.fixture
def asked(begun: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What `run` is asked for; in its place a study appears in which one arm has ended."""
    given: Asked = []

    def run(options: Namespace) -> int:
        given.append(options)
        print("trains")
        build_record(begun(options.out, ended=6))  # as many as a median takes for an interval
        return 0

    monkeypatch.setattr(reproduce, "run", run)
    return given


def test_ours_stands_beside_the_published(
    configurations: Path, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "papers/rings", "--set", "resources.workers=1"]) == 0
    out, err = capsys.readouterr()
    assert err == "trains\n"
    assert "On rings\ntable 1" in out
    assert re.search(r"hinge +median of Fréchet distance +0.35 +0.3", out)
    assert "share of replicas with modes captured = 8" in out
    assert "settings of this run: resources.workers=1" in out
    assert "differs: the rings are small" in out
    assert "of 2 published numbers 1 agree and 1 cannot tell; the study is in studies/tiny" in out
    (options,) = asked
    assert (options.config, options.trust) == (configurations / "rings.yaml", False)
    assert options.plan == loading.load(options.config, ["resources.workers=1"])


def test_a_theorys_statement_is_called_so_and_what_is_not_judged_is_said(
    configurations: Path, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    told = TOLD.replace("published: 0.9, runs: 10", 'published: 1, theory: true, says: "replicas that find all"')
    told = "".join(line for line in told.splitlines(keepends=True) if "arm: hinge" not in line)
    (configurations / CLAIMS / "rings.yaml").write_text(told)
    assert main(["reproduce", "rings"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "share of replicas that find all theory: 100 %" in out
    assert "not judged, as the paper gives no number for them: 1 arm, hinge" in out
    assert "of 1 published numbers and statements 1 cannot tell" in out
    assert main(["reproduce", "rings", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unjudged"] == ["hinge"]
    assert [claim["theory"] for claim in found["claims"]] == [True]


@pytest.mark.usefixtures("configurations")
def test_short_is_by_the_settings_named(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "rings", "--short", "--set", "study=brief", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    settings = ["budget.steps=10", "budget.evaluations=2", "study=brief"]
    assert found["settings"] == settings
    assert asked[0].plan == loading.load(asked[0].config, settings)
    assert found["folder"] == "studies/brief"
    first, second = found["claims"]
    assert (first["verdict"], first["replicas"]) == ("agree", 12)
    assert (second["verdict"], second["ours"]["estimate"]) == ("cannot tell", None)
    assert second["published"]["high"] == pytest.approx(wilson(9, 10).high)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(("number", "said"), [(0.35, ""), (9.0, "; what disagrees may do so because of them")])
def test_settings_are_named_as_what_a_disagreement_may_come_from(
    number: float, said: str, configurations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims = configurations / CLAIMS / "rings.yaml"
    claims.write_text(TOLD.replace("published: 0.35", f"published: {number}"))
    assert main(["reproduce", "rings", "--short"]) == 0
    assert f"settings of this run: budget.steps=10, budget.evaluations=2{said}\n" in capsys.readouterr().out


@pytest.mark.usefixtures("configurations", "asked")
@pytest.mark.parametrize(
    ("arms", "kept", "said"),
    [
        ("hinge", ["hinge"], "of 2 published numbers 1 agree and 1 about arms that are not in this study"),
        ("minimax", [], "of 2 published numbers 2 about arms that are not in this study"),
    ],
)
def test_what_is_about_arms_that_were_left_out_is_counted_alone(
    arms: str, kept: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_for = ["reproduce", "rings", "--set", f"scientific.objective=[{arms}]"]
    assert main(asked_for) == 0
    out = capsys.readouterr().out
    assert said in out
    assert ("published   ours" in out) == bool(kept)
    assert main([*asked_for, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert ([claim["arm"] for claim in found["claims"]], found["left_out"]) == (kept, 2 - len(kept))


@pytest.mark.usefixtures("configurations")
def test_a_run_that_fails_compares_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(reproduce, "run", lambda options: 1)
    assert main(["reproduce", "rings"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "nothing is compared before the study is done: `ganstudy reproduce rings` goes on with it" in err


@pytest.mark.usefixtures("configurations")
def test_the_command_that_goes_on_is_the_same_to_the_letter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Namespace] = []

    def run(options: Namespace) -> int:
        asked.append(options)
        return 130

    monkeypatch.setattr(reproduce, "run", run)
    typed = ["reproduce", "rings", "--short", "--set", "study=brief", "--set", "scientific.objective=[hinge, minimax]"]
    assert main([*typed, "--out", "my runs"]) == 130
    found = re.findall("`(ganstudy .*)` goes on with it", capsys.readouterr().err)
    assert main(shlex.split(found[0])[1:]) == 130
    first, second = asked
    assert (first.plan, first.out) == (second.plan, second.out)
    assert first.plan.config.study == "brief"


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("ring", ("", ""), "NAME: no paper 'ring' has its numbers here; did you mean 'rings'?"),
        ("own/rings.yaml", ("", ""), "NAME: expected a paper's name 'rings', got the path 'own/rings.yaml'; `ganstudy"),
        ("mine.yml", ("", ""), "NAME: expected a paper's name, as dirac, got the path 'mine.yml'; `ganstudy init"),
        ("rings", ("arm: hinge", "arm: hing"), "rings.yaml: claims.0.arm: expected an arm of the study, "),
        ("rings", ("paper:", "title:"), "rings.yaml: expected the key paper, got title, source, short, differs"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_what_cannot_be_compared_is_bad_input(
    configurations: Path, name: str, changed: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (configurations / CLAIMS / "rings.yaml").write_text(TOLD.replace(*changed))
    assert main(["reproduce", name]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert "trains" not in out + err


def test_every_file_of_numbers_is_of_a_configuration() -> None:
    folder = next(iter(papers().values())).parent
    assert {path.stem for path in (folder / CLAIMS).iterdir()} == set(papers())


@pytest.mark.parametrize("name", sorted(papers()))
def test_every_paper_is_read_and_its_short_version_is_a_study_of_its_own(name: str) -> None:
    source = papers()[name]
    told, plan = claims_of(source)
    short: Any = loading.load(source, told.short)
    assert short.config.study != plan.config.study
    assert about(told.claims, [arm.name for arm in short.arms])
