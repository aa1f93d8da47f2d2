import json
import os
import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import optuna
import pytest

from study.__main__ import main
from study.search import optuna_studies


@pytest.fixture(scope="module")
def study(begun, tmp_path_factory):
    return begun(tmp_path_factory.mktemp("begun") / "tiny")


def trials(path):
    url = f"sqlite:///{path}"
    return {name: optuna.load_study(study_name=name, storage=url).trials for name in optuna.get_all_study_names(url)}


def test_the_file_is_written_anew_and_says_the_same(study, capsys):
    assert main(["optuna", str(study)]) == 0
    assert f"optuna-dashboard sqlite:///{study}/optuna.db" in capsys.readouterr().out
    first = trials(study / "optuna.db")
    assert main(["optuna", str(study), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert counts == {"file": f"{study}/optuna.db", "studies": {"tiny/hinge": 2, "tiny/non_saturating": 1}}
    assert trials(study / "optuna.db") == first
    assert not [*Path(study).glob("*.partial")]
    assert main(["status", str(study)]) == 0  # a study folder may hold it


@pytest.mark.parametrize("name", ["p%41 q?x#y", "per%20cent", "a?b=c&d", "ünï ☃'"])
def test_any_folder_name_takes_the_file_and_nothing_is_written_beside_it(study, tmp_path, name, capsys):
    folder = tmp_path / name / "study"
    shutil.copytree(study, folder)
    assert main(["optuna", str(folder), "--out", str(tmp_path / name / "searches.db")]) == 0
    address = shlex.split(capsys.readouterr().out.splitlines()[-1])[1]
    assert set(optuna.get_all_study_names(address)) == {"tiny/hinge", "tiny/non_saturating"}
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {path.name for path in (tmp_path / name).iterdir()} == {"study", "searches.db"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["{study}", "--out", "{study}/study.yaml"], "--out: expected a new file, or one that this command wrote, got"),
        (["{study}", "--out", "{study}"], "--out: expected a new file, or one that this command wrote, got {study}"),
        (["{study}", "--out", "{study}/no/made.db"], "--out: expected a file that can be written, got {study}/no/made"),
        (["{study}/no"], "{study}/no: expected a study folder, one that holds study.yaml, got nothing there"),
    ],
)
def test_what_cannot_be_written_is_bad_input(study, options, said, capsys):
    assert main(["optuna", *(one.format(study=study) for one in options)]) == 2
    assert capsys.readouterr().err.startswith(f"ganstudy: {said.format(study=study)}")


@pytest.mark.parametrize(("gone", "why"), [("folder", "its folder is gone"), ("table", "no such table: trials")])
def test_a_database_that_is_lost_while_it_is_written_is_said_in_a_line(study, gone, why, tmp_path, monkeypatch, capsys):
    def lose(*given):
        [beside] = tmp_path.glob("*.partial")
        if gone == "folder":
            shutil.rmtree(beside)
        else:
            with closing(sqlite3.connect(beside / "optuna.db")) as there:
                there.execute("DROP TABLE trials")
        return trial(*given)

    trial = optuna_studies._trial
    monkeypatch.setattr(optuna_studies, "_trial", lose)
    assert main(["optuna", str(study), "--out", str(tmp_path / "o.db")]) == 2
    said = f"ganstudy: --out: expected a file that can be written, got {tmp_path / 'o.db'} ({why})\n"
    assert capsys.readouterr().err == said
    assert not [*tmp_path.iterdir()]


def test_a_database_of_others_is_left_alone(study, tmp_path):
    theirs = tmp_path / "theirs.db"
    optuna.create_study(storage=f"sqlite:///{theirs}", study_name="theirs")
    before = theirs.read_bytes()
    assert main(["optuna", str(study), "--out", str(theirs)]) == 2
    assert theirs.read_bytes() == before


def test_what_is_no_file_is_not_opened(study, tmp_path, capsys):
    """SQLite would wait for a pipe's writer for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to("nowhere")
    for name in ("pipe", "lost"):
        assert main(["optuna", str(study), "--out", str(tmp_path / name)]) == 2
        assert f"--out: expected a new file, or one that this command wrote, got {tmp_path / name}" in (
            capsys.readouterr().err
        )
    assert (tmp_path / "lost").is_symlink()


def test_what_is_damaged_is_said_by_commands_that_choose_or_copy_trials(study, tmp_path, capsys):
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    pictures = folder / "trials" / "search-hinge-0001" / "pictures"
    pictures.mkdir(parents=True)
    np.savez(pictures / "00000010.npz", samples=np.zeros((1, 20, 2)), seeds=np.array([0]))
    [segment] = (folder / "ledger").glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(b"?" + line if b"search-hinge-0000" in line else line for line in lines))
    for command in (["optuna"], ["animate", "--arm", "hinge"]):
        assert main([command[0], str(folder), *command[1:]]) == 0
        assert "of the ledger unreadable, skipped: 0001.jsonl, line" in capsys.readouterr().err
    assert main(["animate", str(folder), "--trial", "search-hinge-0001"]) == 0
    assert capsys.readouterr().err == ""


def test_a_study_without_a_ledger_is_bad_input(study, tmp_path, capsys):
    (tmp_path / "study.yaml").write_bytes((study / "study.yaml").read_bytes())
    assert main(["optuna", str(tmp_path)]) == 2
    assert "expected a study that has begun, got one without a ledger" in capsys.readouterr().err
