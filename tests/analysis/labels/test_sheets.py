"""Sheets of four cards, and their key in the same order."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.labels import sheets
from analysis.labels.cards import draw


@pytest.fixture(scope="module")
def written(record, study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheets") / "new"
    cards = draw(record, study, 4, 0)
    return cards, folder, sheets.write([*cards, cards[0]], folder)


def test_the_key_says_whose_the_cards_are(written):
    cards, folder, _ = written
    key = pd.read_csv(folder / "key.csv")
    assert list(key) == ["number", "study", "trial_id", "seed"]
    assert key.iloc[:4].values.tolist() == [[c.number, "simulated", c.curves.trial_id, c.curves.seed] for c in cards]


def test_four_cards_a_sheet_sixteen_hundred_pixels_wide(written):
    _, folder, paths = written
    assert paths == [folder / "sheet-01.png", folder / "sheet-02.png"]
    with Image.open(paths[0]) as full, Image.open(paths[1]) as rest:
        assert full.size == rest.size
        assert abs(full.width - 1600) < 10
        left, right = (np.asarray(rest.convert("L"))[: rest.height // 2 - 4][:, part] for part in halves(rest.width))
    assert (left < 128).any()
    assert (right == 255).all()  # the second sheet has one card


def halves(width):
    return slice(0, width // 2 - 4), slice(width // 2 + 4, width)


def test_sheets_of_a_former_draw_are_gone(record, study, written, tmp_path):
    cards, _, _ = written
    (tmp_path / "sheet-09.png").write_bytes(b"")
    sheets.write(cards[:1], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.csv", "sheet-01.png"]
