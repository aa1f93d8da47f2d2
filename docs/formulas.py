"""A Markdown extension: formulas as GitHub writes them, $`…`$ and blocks of ```math, become MathML.

A browser draws MathML by itself, so that the site needs no script and no font from elsewhere.
"""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert
from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor

# What latex2mathml does not know, and marks that as superscripts would stand too high, as they are raised already.
INSTEAD = {r"\arg": r"\mathrm{arg}", r"\ast": "∗", "'": "′"}


class Formulas(Extension):
    """Formulas within a line; `block` is for those that stand alone."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's own name
        """Look for formulas before code, whose backticks they have."""
        md.inlinePatterns.register(_Inline(r"\$`(.+?)`\$", md), "formula", 200)


class _Inline(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        return self.md.htmlStash.store(mathml(m[1])), m.start(0), m.end(0)


def mathml(latex: str, display: str = "inline") -> str:
    """A formula as MathML; `display` is inline or block."""
    for theirs, ours in INSTEAD.items():
        latex = latex.replace(theirs, ours)
    return convert(latex, display=display)


def block(source: str, *_: Any, **__: Any) -> str:
    """A formula of its own line, as `pymdownx.superfences` asks for it."""
    return f'<div class="formula">{mathml(source, "block")}</div>'


def makeExtension(**settings: Any) -> Formulas:  # noqa: N802 - Markdown's own name
    """What Markdown calls."""
    return Formulas(**settings)
