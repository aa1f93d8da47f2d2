import json
from pathlib import Path

import pytest

from study.__main__ import main

pytestmark = pytest.mark.xdist_group("report of studies")


@pytest.fixture(scope="module")
def study(begun, tmp_path_factory):
    return begun(tmp_path_factory.mktemp("begun") / "tiny")


def test_a_study_under_way_is_exported(study, capsys):
    assert main(["export", str(study), "--csv"]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert all(path.is_file() and path.is_relative_to(study / "export") for path in paths)
    assert {"history.csv", "trials.csv", "columns.csv", "tables.csv", "metrics-search.csv"} <= {p.name for p in paths}
    assert main(["status", str(study)]) == 0  # a study folder may hold it


def test_latex_is_the_tables_alone(study, tmp_path, capsys):
    assert main(["export", str(study), "--latex", "--metrics", "fid", "--out", str(tmp_path / "out"), "--json"]) == 0
    paths = json.loads(capsys.readouterr().out)["files"]
    assert {Path(path).suffix for path in paths} == {".tex"}
    assert "Fréchet distance" in (tmp_path / "out" / "tables" / "metrics-search.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["{study}", "--csv", "--metrics", "foo"], "--metrics: expected some of fid"),
        (["{study}", "--parquet", "--out", "{study}"], "--out: expected a folder other than the study's own, got "),
        (["{study}", "--csv", "--out", "/proc/nowhere"], "--out: expected a folder that can be written, got /proc/"),
        (["{study}", "--csv", "--out", "{study}/ledger/x"], "--out: expected a folder other than the study's own"),
        (["{study}/nothing", "--csv"], "{study}/nothing: expected a study folder, or one that holds history.parquet"),
    ],
)
def test_what_cannot_be_exported_is_bad_input(study, options, said, capsys):
    assert main(["export", *(one.format(study=study) for one in options)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ganstudy: {said.format(study=study)}")


def test_a_study_that_may_only_be_read_is_exported_elsewhere(begun, only_read, tmp_path, capsys):
    study = only_read(begun(tmp_path / "theirs"))
    assert main(["export", str(study), "--csv", "--out", str(tmp_path / "out")]) == 0
    assert {"history.csv", "tables.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert not (study / "history.parquet").exists()
