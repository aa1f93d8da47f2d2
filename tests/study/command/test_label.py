"""Labels from the command line: cards of a study under way, and a person's labels beside the outcomes."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from study.__main__ import main


@pytest.fixture(scope="module")
def study(begun, tmp_path_factory):
    """A study of which one arm has ended; one of its trials has pictures."""
    folder = begun(tmp_path_factory.mktemp("begun") / "tiny")
    pictures = folder / "trials" / "search-hinge-0001" / "pictures"
    pictures.mkdir(parents=True)
    np.savez(pictures / "00000020.npz", samples=np.zeros((2, 30, 2)), seeds=[0, 1])
    return folder


@pytest.fixture
def labels(tmp_path):
    def write(*lines):
        path = tmp_path / "labels.csv"
        path.write_text("\n".join(["study,trial_id,seed,label", *lines]), encoding="utf-8")
        return str(path)

    return write


def test_sheets_of_a_study(study, tmp_path, capsys):
    assert main(["label", str(study), "--sheets", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"cards": 2, "sheets": [str(tmp_path / "sheet-01.png")], "key": str(tmp_path / "key.csv")}
    key = pd.read_csv(tmp_path / "key.csv")
    assert sorted(key["seed"]) == [0, 1]
    assert set(key["trial_id"]) == {"search-hinge-0001"}


def test_a_link_out_of_the_folder_is_not_followed(begun, tmp_path, capsys):
    folder, elsewhere = begun(tmp_path / "tiny"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "labels").symlink_to(elsewhere)
    assert main(["label", str(folder)]) == 2
    assert f"{folder}/labels: expected a file or folder of the study's own, got a link to" in capsys.readouterr().err
    assert not list(elsewhere.iterdir())


def test_a_page_of_a_study(study, tmp_path, capsys):
    assert main(["label", str(study), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cards": 2, "page": str(study / "labels" / "index.html")}
    assert main(["label", str(study), "--count", "1", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'index.html'}\n"
    places = [
        re.search('data-place="(.*?)"', (at / "index.html").read_text("utf-8"))[1]
        for at in (study / "labels", tmp_path)
    ]
    assert places[0] == places[1]
    assert places[0].startswith("ganstudy labels of tiny, begun 20")


def test_labels_beside_the_outcomes(study, labels, capsys):
    path = labels("tiny,search-hinge-0000,0,collapsed", "tiny,search-hinge-0000,1,cannot tell")
    assert main(["label", str(study), "--labels", path, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    [other] = said["disagreements"]
    assert (other["trial_id"], other["seed"], other["by_eye"]) == ("search-hinge-0000", 0, "collapsed")
    assert (said["n"], said["left_out"], said["agreement"]["estimate"]) == (1, 1, 0)
    assert said["table"]["collapsed"] == {"collapsed": 0, other["rule"]: 1}
    assert main(["label", str(study), "--labels", path]) == 0
    text = capsys.readouterr().out
    assert "n 1, left out 1 (no label, or cannot tell)" in text
    assert f"search-hinge-0000, seed 0: by eye collapsed, by the rule {other['rule']}" in text
    assert "Cohen's kappa cannot be told: one outcome alone by eye or by the rule says nothing" in text


def test_labels_that_are_not_there_are_bad_input(study, tmp_path, capsys):
    assert main(["label", str(study), "--labels", str(tmp_path / "none.csv")]) == 2
    assert "none.csv: expected a CSV file, got nothing there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tiny,search-hinge-0000,0,fine", "line 2: label: expected one of"),
        (
            "tiny,search-hinge-0009,0,collapsed",
            "line 2: expected a replica of the record, got study tiny, trial_id sea",
        ),
        ("tiny,search-non_saturating-0000,0,collapsed", "line 2: expected a replica with an outcome"),
        ("tiny,search-hinge-0000,0,cannot tell", "expected labels to compare, got 1 line without one or with cannot"),
    ],
)
def test_labels_that_cannot_be_used_are_bad_input(study, labels, line, said, capsys):
    assert main(["label", str(study), "--labels", labels(line)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


@pytest.mark.parametrize("option", ["--sheets", "--out"])
def test_the_studys_own_places_are_bad_input(study, option, capsys):
    before = sorted(path for path in study.rglob("*"))
    assert main(["label", str(study), option, str(study / "trials")]) == 2
    assert f"{option}: expected a folder other than the study's own, got {study}/trials" in capsys.readouterr().err
    assert sorted(path for path in study.rglob("*")) == before


@pytest.mark.parametrize("option", ["--sheets", "--out"])
def test_a_place_that_is_no_folder_is_bad_input(study, tmp_path, option, capsys):
    (tmp_path / "file").touch()
    assert main(["label", str(study), option, str(tmp_path / "file")]) == 2
    assert f"{option}: expected a folder that can be written, got {tmp_path / 'file'}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--count", "0"], "--count: expected a number from 1 on, got 0"),
        (["--seed", "-1"], "--seed: expected a number from 0 on, got -1"),
    ],
)
def test_a_draw_of_nothing_is_bad_input(study, tmp_path, options, said, capsys):
    assert main(["label", str(study), "--sheets", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_study_without_pictures_and_a_folder_without_a_study_are_bad_input(begun, tmp_path, capsys):
    folder = begun(tmp_path / "tiny")
    assert main(["label", str(folder), "--sheets", str(tmp_path)]) == 2
    assert "expected pictures of replicas that ended in trials/*/pictures, got none" in capsys.readouterr().err
    assert main(["label", str(tmp_path / "nowhere"), "--sheets", str(tmp_path)]) == 2
    assert "expected a study folder, or one that holds history.parquet" in capsys.readouterr().err


def test_a_study_that_may_only_be_read_is_labelled_elsewhere(study, only_read, tmp_path):
    (study / "history.parquet").unlink(missing_ok=True)
    assert main(["label", str(only_read(study)), "--out", str(tmp_path / "cards")]) == 0
    assert "search-hinge-0001" in (tmp_path / "cards" / "index.html").read_text(encoding="utf-8")
    assert not (study / "history.parquet").exists()
