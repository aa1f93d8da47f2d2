"""Samples to leaf through: every arm and seed whose samples were saved, each over its training.

A seed's pictures lie side by side in one file beside the page, which is loaded when it comes into view. The page shows
them one after another, or, where less motion is asked for and on demand, side by side. Neither this nor leafing, by
scrolling, needs the script, which leafs in all arms at once.
"""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from analysis.pictures.animation import SMALL, strips
from analysis.record.snapshots import picture_files, pictured
from analysis.report.findings import Findings
from analysis.report.page import Html, joined, tag
from analysis.report.writer import FigureWriter
from analysis.results.selection import select
from analysis.wording import counted

MOST = 24  # seeds of an arm
CAPTION = (
    "Samples of every arm and seed whose samples were saved, from the first picture of training to the last, again and"
    " again. Of each arm the trial whose samples stand above comes first."
)


def leaves(findings: Findings, writer: FigureWriter, folder: Path) -> Html:
    """A row of pictures for each arm; nothing where none was saved.

    Of an arm's search it is the trial that is shown elsewhere, of its confirmation every trial, this one first; at most
    `MOST` seeds.
    """
    rows = {arm: found for arm in findings.arms if (found := _leaves(findings, writer, folder, arm))}
    if not rows:
        return joined([])
    buttons = [
        tag("button", words, type="button", disabled="", value=step, **{"aria-label": said})
        for words, step, said in (("‹", "-1", "previous seed"), ("›", "1", "next seed"))
    ]
    place = tag("output", f"1 of {max(map(len, rows.values()))}")
    still = tag("label", tag("input", type="checkbox", class_="still"), " side by side")
    arms = [
        tag("div", tag("p", writer.arm(arm), f", {counted(len(found), 'seed')}"), _row(found, arm))
        for arm, found in rows.items()
    ]
    bar = tag("div", buttons[0], place, buttons[1], still, class_="leafing")
    return tag("figure", bar, tag("div", *arms, class_="arms"), tag("figcaption", CAPTION), class_="leaves")


def _row(found: list[Html], arm: str) -> Html:
    return tag("div", *found, class_="row", tabindex="0", role="region", **{"aria-label": f"samples of {arm}"})


def _leaves(findings: Findings, writer: FigureWriter, folder: Path, arm: str) -> list[Html]:
    """An arm's pictures."""
    rows = select(findings.record, findings.phase).trials
    every: list[str] = rows.loc[rows["arm"] == arm, "trial_id"].astype(str).tolist()
    first = [findings.shown[arm]] if arm in findings.shown else []
    found: list[Html] = []
    for trial in dict.fromkeys([*first, *(every if findings.phase == "confirm" else [])]):
        if len(found) < MOST:
            found += _trial(writer, folder, trial)
    return found[:MOST]


def _trial(writer: FigureWriter, folder: Path, trial: str) -> list[Html]:
    """A trial's pictures, a seed each. They are drawn where they are older than the samples, which never change."""
    pictures, seeds = folder / "trials" / trial / "pictures", pictured(folder, trial)
    if writer.samples is None or not seeds or Path(trial).name != trial:
        return []
    newest = max(path.stat().st_mtime for path in picture_files(pictures))
    named = re.sub(r"[^A-Za-z0-9_-]+", "_", trial)
    paths = {seed: writer.samples / f"{named}-{seed}.png" for seed in seeds}
    if not all(_frames(path, newest) for path in paths.values()):
        try:
            drawn = strips(pictures)
        except ValueError:
            return []
        for seed, image in drawn.items():
            writer.samples.mkdir(exist_ok=True)
            partial = paths[seed].with_name(f".{paths[seed].name}.partial")
            image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(partial, "PNG")
            partial.replace(paths[seed])
    found = ((seed, path, _frames(path, newest)) for seed, path in paths.items())
    return [_leaf(path, f"seed {seed}, {trial}", frames) for seed, path, frames in found if frames]


def _frames(path: Path, newest: float) -> int:
    """How many panels lie side by side in a file; 0 where it is missing, damaged or older than `newest`."""
    try:
        with Image.open(path) as image:
            return image.width // SMALL if path.stat().st_mtime >= newest else 0
    except (OSError, ValueError):
        return 0


def _leaf(path: Path, whose: str, frames: int) -> Html:
    said = f"Samples of {whose}: {counted(frames, 'picture')} over training"
    size = {"width": str(SMALL * frames), "height": str(SMALL)}
    image = tag("img", src=f"samples/{path.name}", alt=said, loading="lazy", **size)
    film = tag("div", image, class_="film", style=f"--frames:{frames}")
    return tag("figure", film, tag("figcaption", whose), class_="leaf")
