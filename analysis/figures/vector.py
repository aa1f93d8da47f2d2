"""An SVG and a PDF of a figure from one drawing of it: most of what either takes is spent before a line is written.

Letters stand in the PDF where the SVG has them, by widths that are not rounded to a printer's units.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from typing import Any

from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pdf import PdfFile, RendererPdf
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure

from analysis.figures.marks import POINTS

UNDATED: dict[str, Any] = {  # without dates and versions the same figure gives the same bytes, to compare reports by
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None},
}
PLACING = ("GDEF", "GPOS", "GSUB", "MATH", "kern")  # tables of a font


class Both(RendererBase):
    """Writes whatever is drawn into an SVG and a PDF, asks the SVG's renderer, and makes contexts that both take."""

    def __init__(self, svg: Any, pdf: Any) -> None:
        """Of the same size."""
        super().__init__()
        self._svg, self._pdf = svg, pdf
        self.height = svg.height
        for asked in ("flipy", "get_canvas_width_height", "get_text_width_height_descent", "get_image_magnification",
                      "option_image_nocomposite", "option_scale_image", "open_group", "close_group"):  # fmt: skip
            setattr(self, asked, getattr(svg, asked))

    def new_gc(self) -> Any:
        """A context of the PDF's, which has all that the SVG's renderer asks for."""
        return self._pdf.new_gc()

    def draw_path(self, *what: Any, **how: Any) -> None:
        """As matplotlib has it, into both."""
        self._svg.draw_path(*what, **how)
        self._pdf.draw_path(*what, **how)

    def draw_markers(self, *what: Any, **how: Any) -> None:
        """As matplotlib has it, into both."""
        self._svg.draw_markers(*what, **how)
        self._pdf.draw_markers(*what, **how)

    def draw_path_collection(self, *what: Any, **how: Any) -> None:
        """As matplotlib has it, into both."""
        self._svg.draw_path_collection(*what, **how)
        self._pdf.draw_path_collection(*what, **how)

    def draw_image(self, *what: Any, **how: Any) -> None:
        """As matplotlib has it, into both."""
        self._svg.draw_image(*what, **how)
        self._pdf.draw_image(*what, **how)

    def draw_text(self, gc: Any, x: float, y: float, *what: Any, **how: Any) -> None:
        """As matplotlib has it, into both, whose vertical axes run against each other."""
        self._svg.draw_text(gc, x, y, *what, **how)
        self._pdf.draw_text(gc, x, self.height - y, *what, **how)

    def finalize(self) -> None:
        """Write what comes last in either."""
        self._svg.finalize()
        self._pdf.finalize()


def drawn(figure: Figure, dpi: float) -> tuple[bytes, bytes]:
    """The SVG and the PDF of a figure that is laid out; `dpi` are the pixels per inch of what is rasterised in them."""
    width, height = figure.get_size_inches()
    svg, pdf = BytesIO(), BytesIO()
    text = TextIOWrapper(svg, encoding="utf-8", newline="\n", write_through=True)
    file: Any = PdfFile(pdf, metadata=UNDATED["pdf"])  # type: ignore[no-untyped-call]
    file.newPage(width, height)
    both = Both(
        RendererSVG(POINTS * width, POINTS * height, text, image_dpi=dpi, metadata=UNDATED["svg"]),  # type: ignore[no-untyped-call]
        RendererPdf(file, dpi, height, width),  # type: ignore[no-untyped-call]
    )
    own, figure.dpi = figure.dpi, POINTS
    try:
        renderer: Any = MixedModeRenderer(figure, width, height, dpi, both)  # type: ignore[no-untyped-call]
        figure.draw(renderer)
        both.finalize()
        with letters_alone():
            file.finalize()
    finally:
        figure.dpi = own
        file.close()
    return svg.getvalue(), pdf.getvalue()


@contextmanager
def letters_alone() -> Iterator[None]:
    """Within the block fonts embedded in a PDF have no tables that place letters, which have their places already:
    to read these, and choose what of them belongs to the letters in use, took four fifths of the time of a font."""
    from fontTools import subset

    load = subset.load_font

    def bare(*what: Any, **how: Any) -> Any:
        font = load(*what, **how)
        for table in PLACING:
            if table in font:
                del font[table]
        return font

    subset.load_font = bare
    try:
        yield
    finally:
        subset.load_font = load
