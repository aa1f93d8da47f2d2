import os
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.figures.style import palette
from analysis.pictures.animation import SMALL
from analysis.record.loading import Record
from analysis.report.leaves import MOST, leaves
from analysis.report.writer import FigureWriter


@pytest.fixture
def study(tmp_path):
    """A folder with pictures of two seeds of two confirmed trials of arm a, and none of arm b; its findings."""
    for trial in ("confirm-a-0000", "confirm-a-0001"):
        folder = tmp_path / "trials" / trial / "pictures"
        folder.mkdir(parents=True)
        for step in (1, 2, 3):
            samples = np.random.default_rng(step).normal(size=(2, 20, 2))
            np.savez(folder / f"{step:08d}.npz", samples=samples, seeds=[7, 8])
    rows = [("a", "confirm-a-0000"), ("a", "confirm-a-0001"), ("b", "confirm-b-0000")]
    trials = pd.DataFrame(rows, columns=["arm", "trial_id"]).assign(phase="confirm", study="s")
    record = Record(trials.iloc[:0], trials, {})
    shown = {"a": "confirm-a-0001", "b": "confirm-b-0000"}
    return tmp_path, SimpleNamespace(record=record, phase="confirm", shown=shown, arms=("a", "b"))


def read(study):
    folder, findings = study
    (folder / "report").mkdir(exist_ok=True)
    return leaves(findings, FigureWriter(folder / "report", palette(findings.arms)), folder)


def test_every_seed_has_its_pictures_the_trial_shown_elsewhere_first(study):
    markup = read(study)
    tree = ElementTree.fromstring(re.sub(r"(<(?:img|input)[^>]*)>", r"\1/>", markup))
    images = list(tree.iter("img"))
    assert [image.get("src") for image in images] == [
        f"samples/confirm-a-000{trial}-{seed}.png" for trial in (1, 0) for seed in (7, 8)
    ]
    assert {image.get("loading") for image in images} == {"lazy"}
    assert images[0].get("alt") == "Samples of seed 7, confirm-a-0001: 3 pictures over training"
    assert tree.find(".//output").text == "1 of 4"
    with Image.open(study[0] / "report" / images[0].get("src")) as image:
        assert image.size == (3 * SMALL, SMALL)


def test_pictures_are_drawn_again_only_where_samples_are_newer_or_they_are_damaged(study):
    first = read(study)
    paths = sorted((study[0] / "report" / "samples").iterdir())
    for path in paths:
        os.utime(path, (2e9, 2e9))
    assert read(study) == first
    assert {path.stat().st_mtime for path in paths} == {2e9}
    paths[0].write_bytes(b"no picture")
    assert read(study) == first
    with Image.open(paths[0]) as image:
        assert image.width == 3 * SMALL


def test_of_a_search_the_trial_that_is_shown_alone(study):
    study[1].phase = "search"
    study[1].record.trials["phase"] = "search"
    assert re.findall(r'src="(.*?)"', read(study)) == [f"samples/confirm-a-0001-{seed}.png" for seed in (7, 8)]


def test_an_arm_of_many_seeds_has_its_first(study, monkeypatch):
    assert MOST > 4
    monkeypatch.setattr("analysis.report.leaves.MOST", 3)
    assert read(study).count("<img") == 3


def test_a_name_from_data_leads_nowhere_else(study):
    folder, findings = study
    for name, known in (("confirm<a>", True), ("../confirm", False)):
        (folder / "trials" / findings.shown["a"]).rename(folder / "trials" / name)
        findings.shown["a"] = name
        assert ('src="samples/confirm_a_-7.png"' in read(study)) == known


def test_without_pictures_or_a_folder_there_is_nothing(study):
    folder, findings = study
    assert leaves(findings, FigureWriter(None, palette("ab")), folder) == ""
    assert leaves(findings, FigureWriter(folder / "report", palette("ab")), folder / "report") == ""
    assert not (folder / "report" / "samples").exists()
