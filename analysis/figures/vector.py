"""An SVG and a PDF of a figure from one drawing of it: most of what either takes is spent before a line is written.

Letters stand in the PDF where the SVG has them, by widths that are not rounded to a printer's units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
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
USUAL = (*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2300))  # Latin, Greek, signs; characters
UNKNOWN = (  # tables that cannot be subset, which matplotlib drops too
    "BDF", "FFTM", "MERG", "PfEd", "TSIV", "Zapf", "bdat", "bloc", "cidg", "fdsc", "feat", "fmtx", "fond", "just",
    "kerx", "ltag", "meta", "morx", "trak", "xref",
)  # fmt: skip
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
    """Within the block fonts embedded in a PDF have no tables that place letters, which have their places already, and
    are made of one that has the usual letters alone: to read all of a font took nine tenths of the time of each."""
    from matplotlib.backends import _backend_pdf_ps

    fonts: Any = _backend_pdf_ps
    whole = fonts.get_glyphs_subset

    def few(path: Any, glyphs: Iterable[int]) -> Any:
        usual, there = _usual(path)
        with _loading(BytesIO(usual) if there.issuperset(glyphs) else path):
            return whole(path, glyphs)

    fonts.get_glyphs_subset = few
    try:
        yield
    finally:
        fonts.get_glyphs_subset = whole


@lru_cache(maxsize=8)
def _usual(path: Any) -> tuple[bytes, frozenset[int]]:
    """A font without tables that place letters and all but the usual glyphs, whose numbers stay, and these numbers."""
    from fontTools import subset

    options = subset.Options(glyph_names=True, recommended_glyphs=True, retain_gids=True)
    options.drop_tables += UNKNOWN
    options.font_number = path.face_index
    choosing, kept = subset.Subsetter(options), BytesIO()
    with _loading(path), subset.load_font(path, options) as font:
        numbers = font.getReverseGlyphMap()
        choosing.populate(unicodes=USUAL)
        choosing.subset(font)
        font.save(kept, reorderTables=False)
    return kept.getvalue(), frozenset(numbers[name] for name in choosing.glyphs_retained)


@contextmanager
def _loading(file: Any) -> Iterator[None]:
    """Within the block this font is loaded, whichever is asked for, without tables that place letters."""
    from fontTools import subset

    load = subset.load_font

    def bare(_: object, options: Any) -> Any:
        font = load(file, options)
        for table in PLACING:
            if table in font:
                del font[table]
        return font

    subset.load_font = bare
    try:
        yield
    finally:
        subset.load_font = load
