import numpy as np
import pytest

from analysis.pictures.canvas import OUTSIDE, SIDE
from analysis.pictures.image_grid import grid


def test_a_grid_shows_each_pixel_enlarged() -> None:
    images = np.zeros((4, 1, 2, 2))
    images[0] = [[[-1, 1], [0, 5]]]
    panel = grid(images, None)
    zoom = SIDE // (2 * 3)
    corners = [panel[1, 1], panel[1, zoom + 1], panel[zoom + 1, 1], panel[zoom + 1, zoom + 1]]
    assert [corner.tolist() for corner in corners] == [[0] * 3, [255] * 3, [127.5] * 3, [255] * 3]
    assert panel.shape == (2 * 2 * zoom + 3, 2 * 2 * zoom + 3, 3)


def test_a_labelled_grid_has_a_row_a_class() -> None:
    labels = np.array([2, 0, 2, 0, 2, 7])
    images = np.broadcast_to((labels / 7 * 2 - 1)[:, None, None, None], (6, 3, 4, 4)).copy()
    panel = grid(images, labels)
    zoom = (SIDE - 26) // (3 * 5)
    step = 4 * zoom + 3
    shades = [panel[row * step + 1, 26 + 1, 0] for row in range(3)]
    assert shades == pytest.approx([0, 2 / 7 * 255, 255], abs=1)
    assert panel[step + 1, 26 + 2 * step + 1, 0] == pytest.approx(2 / 7 * 255, abs=1)
    assert panel[1, 26 + 2 * step + 1, 0] == 255


def test_an_image_that_is_not_finite_is_an_orange_cell() -> None:
    images = np.zeros((4, 1, 2, 2))
    images[3, 0, 0, 0] = np.nan
    panel = grid(images, None)
    assert panel[-1, -1].tolist() == list(OUTSIDE)
    assert np.isfinite(panel).all()
