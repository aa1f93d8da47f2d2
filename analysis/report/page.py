"""Building HTML: anything that is not already `Html` is text, and text is escaped.

A page contains its style sheet, and its content security policy forbids every fetch but of pictures that lie beside it,
and every script but one that the page is given, so that it looks the same from a disk, an archive or an e-mail.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from analysis.report.stylesheet import CSS

POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
ENLARGED = 1.3  # pictures on the screen, whose text of 7 points is 12 pixels high then
LONG, LONG_HEAD = 40, 16  # characters of a cell, and of a column's name, from which it may be broken
VOID = ("meta", "img", "br", "hr", "input")
PER_CENT = re.compile(r"(?<=\d) %")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Html(str):
    """Markup, escaped already. Only this module creates it."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as markup: `Html` as it is, anything else escaped, control and bidirectional characters replaced, and no
    line broken before a per cent sign."""
    if isinstance(value, Html):
        return value
    return Html(escape(PER_CENT.sub("\u00a0%", UNPRINTABLE.sub("\ufffd", str(value)))))


def tag(name: str, /, *children: object, **attributes: str) -> Html:
    """An element; a trailing underscore of an attribute's name is dropped (`class_`)."""
    given = "".join(f' {key.rstrip("_")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Parts joined to one piece of markup."""
    return Html(text(between).join(text(part) for part in parts))


def table(
    head: Sequence[object], rows: Iterable[Sequence[object]], caption: object = "", numbers: Sequence[int] = ()
) -> Html:
    """A table under its caption, scrolling sideways where it is too wide; columns `numbers` are set flush right."""
    kinds = ["number" if place in numbers else "words" for place in range(len(head))]

    def line(cells: Sequence[object], name: str, classes: Sequence[str]) -> Html:
        return tag("tr", *(tag(name, cell, class_=one) for cell, one in zip(cells, classes, strict=True)))

    body = tag("tbody", *(line(row, "td", [_width(*one) for one in zip(kinds, row, strict=True)]) for row in rows))
    heads = [f"{kind} long" if len(str(cell)) > LONG_HEAD else kind for kind, cell in zip(kinds, head, strict=True)]
    inside = tag("div", tag("table", tag("thead", line(head, "th", heads)), body), class_="wide")
    return tag("figure", tag("figcaption", caption), inside, class_="table") if caption else inside


def _width(kind: str, cell: object) -> str:
    return "long" if kind == "words" and len(str(cell)) > LONG and not isinstance(cell, Html) else kind


def facts(pairs: Mapping[str, object]) -> Html:
    """A list of names, each with its value."""
    return tag("dl", *(joined([tag("dt", name), tag("dd", value)]) for name, value in pairs.items()))


def figure(picture: Html, caption: object) -> Html:
    """A picture, scrolling sideways where the window is narrower, and what it shows."""
    return tag("figure", tag("div", picture, class_="wide"), tag("figcaption", caption))


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading, to which a link in the table of contents leads by `anchor`."""

    anchor: str
    title: str
    body: Html

    @property
    def markup(self) -> Html:
        """The section as an element of the page."""
        return tag("section", tag("h2", self.title), self.body, id=self.anchor)


def section(title: str, *children: object) -> Section:
    """A section; its anchor is made of the title."""
    return Section(re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"), title, joined(children))


def contents(sections: Iterable[Section]) -> Html:
    """The table of contents: a link to each section."""
    return tag("nav", *(tag("a", one.title, href=f"#{one.anchor}") for one in sections))


def page(title: str, *children: object, style: str = "", script: str = "") -> Html:
    """The whole document; `style` comes after its style sheet, `script` runs at its end. Both are taken as they are."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{POLICY}; script-src 'sha256-{digest}'" if script else POLICY
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(CSS + style)),
    )
    end = tag("script", Html(script)) if script else ""
    return Html("<!DOCTYPE html>\n" + tag("html", head, tag("body", tag("main", *children), end), lang="en") + "\n")
