import numpy as np
from PIL import Image

from benchmarks.measuring import Measured
from benchmarks.rank_picture import draw


def test_a_small_picture_with_a_panel_for_each(tmp_path):
    random = np.random.default_rng(0)
    group = Measured(("a",) * 20, random.random((2, 2, 20)), random.random((5, 2, 20)), np.zeros(2))
    draw({"ring": group, "grid": group}, ("fid", "mass_js"), ("fid", "mass_js"), tmp_path / "ranks.png")
    assert Image.open(tmp_path / "ranks.png").size == (704, 363)
    assert (tmp_path / "ranks.png").stat().st_size < 100_000
