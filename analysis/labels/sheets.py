"""Sheets: the cards as pictures, four on each, and the key that says whose they are."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from analysis.colours import RULE
from analysis.figures.style import rendered
from analysis.labels.cards import Card

ACROSS, DOWN = 2, 2
GAP = 4  # pixels between cards
DPI = 118  # so that a sheet is 1,600 pixels wide
KEY = "key.csv"
COLUMNS = ("number", "study", "trial_id", "seed")


def write(cards: Sequence[Card], folder: Path) -> list[Path]:
    """Write `sheet-01.png`, … and `key.csv` into `folder`, which is made; the sheets' paths.

    Sheets of a former draw are removed, as the key no longer speaks of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for former in folder.glob("sheet-*.png"):
        former.unlink()
    each = ACROSS * DOWN
    paths = []
    for start in range(0, len(cards), each):
        path = folder / f"sheet-{start // each + 1:02d}.png"
        _sheet(cards[start : start + each]).save(path)
        paths.append(path)
    with (folder / KEY).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        lines.writerows((card.number, card.curves.study, card.curves.trial_id, card.curves.seed) for card in cards)
    return paths


def _sheet(cards: Sequence[Card]) -> Image.Image:
    pictures = [Image.open(BytesIO(rendered(card.figure(), "png", DPI))) for card in cards]
    width, height = max(one.width for one in pictures) + GAP, max(one.height for one in pictures) + GAP
    sheet = Image.new("RGB", (ACROSS * width - GAP, DOWN * height - GAP), RULE)
    for place in range(ACROSS * DOWN):
        corner = (place % ACROSS * width, place // ACROSS * height)
        sheet.paste("white", (*corner, corner[0] + width - GAP, corner[1] + height - GAP))
        if place < len(pictures):
            sheet.paste(pictures[place].convert("RGB"), corner)
    return sheet
