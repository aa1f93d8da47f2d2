"""Writes the report's figures and tables, as files and as markup for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from matplotlib.figure import Figure

from analysis.figures.own_style import has_colours
from analysis.figures.style import COLUMN, Palette, rendered, vector_files
from analysis.report import page, table_files
from analysis.report.dark import painted
from analysis.report.drawing import columns, drawing, switches
from analysis.report.page import Html, tag
from analysis.report.table_files import Table, shown

LONGEST = 60  # rows shown on the page, at most
FIRST = 12  # rows shown unfolded
OF_ARMS = ("arm", "a", "b")  # columns of arms, whose colours stand beside them
CLIPPED = 300  # characters of a cell


class FigureWriter:
    """Writes `figures/*.pdf`, `figures/*.svg`, `tables/*.csv` and `tables/*.tex` under a folder.

    Attributes:
        tables: all that it was given so far.
        samples: the folder of pictures of samples; None where nothing is written.
    """

    def __init__(self, folder: Path | None, palette: Palette) -> None:
        """`palette` gives the colours shown next to the names of arms; without a folder nothing is drawn or written."""
        self._folder, self._palette = folder, palette
        self.tables: list[Table] = []
        self.samples = None if folder is None else folder / "samples"
        if folder is not None:
            for name in ("figures", "tables"):
                (folder / name).mkdir(parents=True, exist_ok=True)

    def figure(
        self, name: str, draw: Callable[..., Figure], caption: object, alt_text: str, apart: bool = True
    ) -> Html:
        """Write a figure's files and return it with its caption for the page.

        Args:
            name: of its files.
            draw: draws it as wide as `columns`, 1 or 2, of a page; one for a narrow screen alone.
            caption: what it shows.
            alt_text: describes it.
            apart: whether a narrow page may show its columns of panels one under the other, as what names the rows
                stands in all of them.
        """
        if self._folder is None:
            return page.joined([])
        figure = draw(columns=2)
        picture, paper = vector_files(figure)
        (self._folder / "figures" / f"{name}.svg").write_bytes(picture)
        (self._folder / "figures" / f"{name}.pdf").write_bytes(paper)
        cut = columns(figure) if apart and figure.get_figwidth() > COLUMN else None
        shown = [drawing(picture, figure, name, alt_text, cut)]
        if figure.get_figwidth() > COLUMN and cut is None:
            slim = draw(columns=1)
            shown.append(drawing(rendered(slim, "svg"), slim, f"{name}-narrow", alt_text, narrow=True))
        if has_colours():  # such as ink that no dark paper would show
            shown = [tag("div", *shown, class_="drawn")]
        files = _files("figures", name, {"SVG": "svg", "PDF": "pdf"})
        return page.figure(page.joined([*shown, self._switches(figure)]), page.joined([caption, files]))

    def _switches(self, figure: Figure) -> Html:
        arms = [self.arm(arm) for arm in getattr(figure, "arms", ())]
        return switches(arms) if len(arms) > 1 else page.joined([])

    def table(self, table: Table) -> Html:
        """Write a table's files and return it for the page, best row bold, a dagger where it is not told apart."""
        caption = self._written(table)
        numbers = [place for place, head in enumerate(table.heads) if head.kind != "text"]
        rows = [self._row(table, place) for place in range(min(len(table.rows), LONGEST))]
        heads = [head.name for head in table.heads]
        if len(rows) <= FIRST:
            return page.table(heads, rows, caption, numbers)
        rest = page.table(heads, rows[FIRST:], "", numbers)
        beyond = f"; all {len(table.rows)} are in tables/{table.name}.csv" if len(table.rows) > LONGEST else ""
        more = tag("details", tag("summary", f"{len(rows) - FIRST} more rows{beyond}"), rest)
        return page.joined([page.table(heads, rows[:FIRST], caption, numbers), more])

    def beside(self, table: Table) -> Html:
        """Write the files of a table whose rows are too many for the page; return its caption, which links them."""
        return tag("figure", tag("figcaption", self._written(table)))

    def _written(self, table: Table) -> Html:
        """Write a table's files and return its caption."""
        self.tables.append(table)
        if self._folder is not None:
            table_files.save(table, self._folder / "tables")
        traced = tag("span", f" Rows: {table.rows_of}.", class_="trace")
        files = _files("tables", table.name, {"CSV": "csv", "LaTeX": "tex"})
        return page.joined([table.caption, _legend(table), traced, files])

    def arm(self, name: str) -> str:
        """An arm's name with its colour; any other text as it is."""
        if name not in self._palette:
            return name
        colour = painted(self._palette[name].colour)
        return page.joined([tag("span", class_="swatch", style=f"background:{colour}"), name])

    def _row(self, table: Table, place: int) -> list[object]:
        cells: list[object] = []
        for value, head in zip(table.rows[place], table.heads, strict=True):
            words = shown(value, head.kind)
            words = words if len(words) <= CLIPPED else words[:CLIPPED] + " …"
            cell = self.arm(words) if head.name in OF_ARMS else words if head.kind == "text" else _greyed(words)
            cells.append(tag("strong", cell) if place == table.best else cell)
        if place in table.tied and place != table.best:
            cells[0] = page.joined([cells[0], tag("sup", "†")])
        return cells


def _files(folder: str, name: str, endings: Mapping[str, str]) -> Html:
    """Links to the files of a figure or table that lie beside the page."""
    links = [tag("a", words, href=f"{folder}/{quote(name)}.{ending}") for words, ending in endings.items()]
    return tag("span", *(part for link in links for part in (" ", link)), class_="files")


def _greyed(words: str) -> Html:
    """A number, the interval after it in grey."""
    estimate, bracket, ends = words.partition(" [")
    return (
        page.joined([estimate, " ", tag("span", bracket.strip(), ends, class_="interval")])
        if bracket
        else page.text(words)
    )


def _legend(table: Table) -> str:
    if table.best is None:
        return ""
    tied = " †: cannot be told apart from it." if table.tied - {table.best} else ""
    return f" Bold: ahead in these data.{tied}"
