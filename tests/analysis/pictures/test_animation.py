"""Frames follow the steps, all of one size and one view; what cannot be drawn is skipped or refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.pictures import animation
from analysis.pictures.animation import ACROSS, REST, SMALL, frames, gif, strip, strips

RNG = np.random.default_rng(0)
RING: dict[str, Any] = {"means": np.array([[-1.0, 0.0], [1.0, 0.0]]), "stds": np.full(2, 0.1)}


def saved(folder: Path, steps: int = 3, **arrays: Any) -> Path:
    folder.mkdir()
    for step in range(1, steps + 1):
        samples = RNG.normal(step, 0.1, (2, 30, 2))
        np.savez(folder / f"{10 * step:08d}.npz", **{"samples": samples, "seeds": np.array([5, 7]), **arrays})
    return folder


def test_a_frame_for_each_picture_of_one_replica_or_of_all(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", **RING)
    both, one = frames(folder), frames(folder, seed=7)
    assert (both.steps, both.seeds) == ([10, 20, 30], [5, 7])
    assert one.seeds == [7]
    assert len({image.size for image in both.images}) == 1
    assert both.images[0].width > one.images[0].width
    assert both.images[0].tobytes() != both.images[1].tobytes()


def test_points_without_a_known_mixture_are_shown_in_one_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    views = []
    drawn = animation.render
    monkeypatch.setattr(animation, "render", lambda *given: views.append(given[-1]) or drawn(*given))
    frames(saved(tmp_path / "a"))
    assert len(set(views)) == 1
    assert views[0].half > 1  # it holds points about (1, 1) and about (3, 3)


def test_images_of_labels_stay_in_their_rows(tmp_path: Path) -> None:
    digits = {"samples": RNG.uniform(-1, 1, (2, 6, 1, 8, 8)), "labels": np.tile([0, 1, 2], (2, 2))}
    assert len(frames(saved(tmp_path / "a", **digits), seed=5).images) == 3


def test_a_gif_has_every_frame_and_rests_on_the_last(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(gif(frames(saved(tmp_path / "a", **RING)), 0.25)))
    assert (made.format, made.n_frames, made.info["loop"]) == ("GIF", 3, 0)  # type: ignore[attr-defined]
    times = []
    for place in range(3):
        made.seek(place)
        times.append(made.info["duration"])
    assert times == [250, 250, 250 * REST]


def test_a_strip_is_as_wide_as_its_frames(tmp_path: Path) -> None:
    few, many = (frames(saved(tmp_path / str(steps), steps, **RING), seed=5) for steps in (3, 20))
    width, height = few.images[0].size
    assert strip(few).size == (3 * width, height)
    assert strip(many).width == ACROSS * many.images[0].width
    first = strip(many).crop((0, 0, width, height))
    assert first.tobytes() == many.images[0].tobytes()


def test_torn_files_are_skipped_and_what_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", **RING)
    torn = folder / "00000020.npz"
    torn.write_bytes(torn.read_bytes()[:100])
    assert frames(folder).steps == [10, 30]
    with pytest.raises(ValueError, match=r"^seed: expected one of 5, 7, got 6$"):
        frames(folder, seed=6)
    with pytest.raises(ValueError, match="expected pictures that can be drawn, got none"):
        frames(tmp_path / "nowhere")


def test_a_strip_has_the_panels_of_each_replica_side_by_side(tmp_path: Path) -> None:
    for step in range(10):
        samples = np.full((2, 5, 2), [[[0.0, 0.0]]])
        np.savez(tmp_path / f"{step:08d}.npz", samples=samples, seeds=[3, 5], means=np.zeros((1, 2)), stds=np.ones(1))
    found = strips(tmp_path)
    assert list(found) == [3, 5]
    assert {image.size for image in found.values()} == {(ACROSS * SMALL, SMALL)}
    first, last = (np.asarray(found[3].crop((SMALL * k, 0, SMALL * (k + 1), SMALL))) for k in (0, ACROSS - 1))
    assert (first == last).all()
    assert len(np.unique(first)) > 10


def test_a_strip_needs_a_file_that_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "00000001.npz").write_bytes(b"half")
    with pytest.raises(ValueError, match="expected pictures that can be drawn, got none"):
        strips(tmp_path)
