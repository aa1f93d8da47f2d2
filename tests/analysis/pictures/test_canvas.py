import numpy as np
from PIL import ImageDraw

from analysis.pictures.canvas import DENSE, DOT, INK, INSIDE, MUTED, SIDE, as_image, dots, font, framed, paper, write


def test_a_lone_dot_is_a_translucent_disc_also_where_the_panel_ends() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    for x, y in ((100.3, 200.6), (0.0, SIDE - 1e-9), (SIDE, SIDE)):
        panel = paper(SIDE, SIDE)
        dots(panel, np.array([[x, y]]), INSIDE, INSIDE)
        coverage = np.clip(DOT + 0.5 - np.hypot(columns - x, rows - y), 0, 1)[..., None]
        np.testing.assert_allclose(panel, 255 + (1 - np.exp(-1.2 * coverage)) * (np.array(INSIDE) - 255.0), atol=1e-9)


def test_many_dots_turn_to_the_dense_colour() -> None:
    panel = paper(SIDE, SIDE)
    dots(panel, np.full((200, 2), 50.5), INSIDE, DENSE)
    assert tuple(np.rint(panel[50, 50])) == DENSE
    dots(panel, np.empty((0, 2)), INSIDE, DENSE)


def test_text_is_as_pillow_writes_it() -> None:
    panel = framed(paper(SIDE, SIDE))
    panel[:, 100:140] = INK
    plain = as_image(panel)
    for x, y, text, anchor in (
        (SIDE - 8.0, 12.0, "3 of 9", "rm"),
        (120.4, 50.7, "-0.5", "mm"),
        (6, SIDE - 2, "1", "lm"),
    ):
        ImageDraw.Draw(plain).text((x, y), text, fill=MUTED, font=font(11), anchor=anchor)
        write(panel, [(x, y, text, anchor)], 11)
    apart = np.abs(np.asarray(as_image(panel)).astype(int) - np.asarray(plain))
    assert apart.max() <= 1
