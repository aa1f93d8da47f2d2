"""Files of labels: what is read, and what is refused with its line."""

import os
import re

import pandas as pd
import pytest

from analysis.labels.file import LabelsError, read

HEAD = "study,trial_id,seed,label\n"


@pytest.fixture
def judged():
    replicas = {"study": "rings", "trial_id": ['search-a,"b"-0000'] * 3, "seed": [0, 1, 2]}
    return pd.DataFrame({**replicas, "outcome": ["converged", "collapsed", None]}).astype({"study": "category"})


@pytest.fixture
def given(tmp_path, judged):
    def read_text(text, encoding="utf-8"):
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode(encoding))
        return read(path, judged)

    return read_text


def test_labels_are_read_in_their_order(given):
    found = given(HEAD + 'rings,"search-a,""b""-0000",1,cannot tell\nrings,"search-a,""b""-0000",0, converged \n')
    assert found.to_dict("list") == {
        "study": ["rings"] * 2, "trial_id": ['search-a,"b"-0000'] * 2, "seed": [1, 0],
        "label": ["cannot tell", "converged"],
    }  # fmt: skip


def test_a_sheets_key_with_labels_is_such_a_file_and_so_is_a_spreadsheets(given):
    text = 'number,study,trial_id,seed,label,\r\n7,rings,"search-a,""b""-0000",1,,\r\n'
    assert given(text, "utf-8-sig")["label"].tolist() == [""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: expected the columns study, trial_id, seed, label, each once, got none"),
        ("study,seed,label\n", "expected the columns study, trial_id, seed, label, each once, got study, seed, label"),
        ("label," + HEAD, "line 1: expected the columns .*, each once, got label, study, trial_id, seed, label"),
        (HEAD + "rings,x,0,converged,collapsed\n", "line 2: expected a cell for each column, got also collapsed"),
        (HEAD + "\nrings,x,0,fine\n", "line 3: label: expected one of .*, cannot tell, or nothing, got 'fine'"),
        (HEAD + "rings,x,0,converged\n", "line 2: expected a replica of the record, got study rings, trial_id x, seed"),
        (HEAD + 'rings,"search-a,""b""-0000",,\n', "line 2: expected a replica of the record, got .* seed $"),
        (HEAD + 'grids,"search-a,""b""-0000",0,\n', "line 2: expected a replica of the record, got study grids"),
        (HEAD + 'rings,"search-a,""b""-0000",2,\n', "line 2: expected a replica with an outcome, got .* not judged"),
        (HEAD + 2 * 'rings,"search-a,""b""-0000",1,\n', "line 3: expected each replica once, got .*, after line 2"),
        (HEAD + 'rings,"x\n', "labels.csv: expected a CSV file, got one that cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(given, text, said):
    with pytest.raises(LabelsError, match=said) as caught:
        given(text)
    assert re.search(r"labels\.csv", str(caught.value))


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, judged):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LabelsError, match="pipe: expected a CSV file, got a device or a pipe"):
        read(tmp_path / "pipe", judged)


def test_another_encoding_is_refused(given):
    with pytest.raises(LabelsError, match=r"labels\.csv: expected a CSV file, got one that is not in UTF-8"):
        given(HEAD + "é,x,0,\n", "latin-1")
