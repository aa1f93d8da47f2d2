import numpy as np

from analysis.pictures.canvas import FRAME, SIDE
from analysis.pictures.moves import moves
from analysis.pictures.view import View

VIEW = View(0.0, 0.0, 1.0)
NONE = np.zeros((0, 2, 2))


def test_a_line_leads_from_a_point_to_what_was_made_of_it() -> None:
    panel, empty = moves(np.array([[[-0.5, 0.5], [0.5, 0.5]]]), None, None, VIEW), moves(NONE, None, None, VIEW)
    row, middle = SIDE // 4, SIDE // 2 + 9  # beside the grid's line
    assert panel[row, middle].tolist() == list(FRAME)
    assert np.ptp(panel[row, SIDE // 4]) < 5  # grey where it starts
    blue = panel[row, 3 * SIDE // 4]
    assert blue[2] > blue[0] + 50
    changed = np.argwhere((panel != empty).any(axis=2))
    assert np.abs(changed[:, 0] - row).max() <= 3


def test_pairs_out_of_view_and_not_finite_ones_are_counted_and_not_drawn() -> None:
    pairs = np.array([[[0.0, 0.0], [3.0, 0.0]], [[np.nan, 0.0], [0.0, 0.0]]])
    panel, empty = moves(pairs, None, None, VIEW), moves(NONE, None, None, VIEW)
    changed = np.argwhere((panel != empty).any(axis=2))
    assert changed[:, 0].max() < 40  # the notes in the corner alone
    assert changed[:, 1].min() > SIDE // 2


def test_modes_are_circles() -> None:
    means, stds = np.array([[0.5, 0.0]]), np.array([0.05])
    panel = moves(NONE, means, stds, VIEW)
    radius = 3 * 0.05 * SIDE / 2
    assert panel[SIDE // 2, round(3 * SIDE / 4 + radius)].max() < 150
