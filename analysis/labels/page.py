"""The page of cards: a figure for each replica, the outcomes to choose from, and a button that saves labels.csv.

One self-contained file that fetches nothing, whose figures follow its colours as the report's do. It shows numbers
alone; whose the cards are stands in its source, for the file of labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.figures.style import rendered
from analysis.labels.cards import Card
from analysis.labels.script import CSS, SCRIPT
from analysis.report import dark
from analysis.report.drawing import columns, drawing
from analysis.report.page import Html, joined, page, tag
from analysis.results.agreement import CANNOT_TELL, CHOICES
from analysis.wording import OUTCOME_MEANINGS, counted

DPI = 150  # of what is rasterised in a figure
READING = (
    "The shaded part of a curve is the tail, which is judged. The dotted line is what fresh real samples score, bars"
    " are two standard errors of an evaluation, as far as they are known, and a red line stands where a replica has"
    " diverged."
)
STRIP = (
    " The strip of cells shows the samples in each mode over training, of the share that it should have: even grey is"
    " coverage."
)


def write(cards: Sequence[Card], folder: Path, place: str) -> Path:
    """Write `index.html` into `folder`, which is made, and return its path.

    `place` names the study: under it a browser keeps the choices. Raises OSError; a former page then stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, partial = folder / "index.html", folder / ".index.html.partial"
    partial.write_text(_page(cards, place), encoding="utf-8")
    partial.replace(path)
    return path


def _page(cards: Sequence[Card], place: str) -> Html:
    name = cards[0].curves.study
    button = tag("button", "Save labels.csv", id="save", type="button")
    shown = [_card(card) for card in cards]
    return page(
        f"Labels of {name}",
        tag("p", f"ganstudy · {counted(len(cards), 'replica')} of {name}, drawn at random", class_="kicker"),
        tag("h1", "How did each replica end?"),
        tag("p", READING + STRIP * any(card.curves.relative is not None for card in cards)),
        tag("p", "Choices stay in this browser. Save them when you are done; ",
            tag("code", "ganstudy label DIR --labels labels.csv"),
            " then holds them against the outcomes, DIR being the study's folder."),
        tag("div", *shown, id="cards", **{"data-place": place}),
        tag("div", button, tag("output", id="count"), class_="saving"),
        style=CSS + dark.rules(joined(shown)),
        script=SCRIPT,
    )  # fmt: skip


def _card(card: Card) -> Html:
    figure = card.figure(titled=False)
    modes = "" if card.curves.relative is None else ", shares of modes"
    words = f"Replica {card.number}: measurements{modes} and samples over training"
    svg = rendered(figure, "svg", DPI)
    picture = drawing(svg, figure, f"card-{card.number}", words, columns(figure))
    meanings = {**{outcome: OUTCOME_MEANINGS[outcome] for outcome in CHOICES}, CANNOT_TELL: ""}
    choices = [_choice(card.number, outcome, meaning) for outcome, meaning in meanings.items()]
    whose = {"data-study": card.curves.study, "data-trial": card.curves.trial_id, "data-seed": str(card.curves.seed)}
    return tag(
        "section",
        tag("h2", card.number),
        tag("figure", tag("div", picture, class_="wide")),
        tag("div", *choices, class_="choices", role="radiogroup", **{"aria-label": f"Replica {card.number}"}),
        class_="card",
        **whose,
    )


def _choice(number: int, outcome: str, meaning: str) -> Html:
    box = tag("input", type="radio", name=f"card-{number}", value=outcome)
    return tag("label", box, tag("strong", outcome), " ", tag("span", meaning))
