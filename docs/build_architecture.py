"""`python -m docs.build_architecture`: picture and tables of docs/architecture.md, made from the code's own imports, so
that they cannot drift.

A room is a package, or a module, directly in `study`, `trainables` or `analysis`; what it is for is the first sentence
of its docstring. The picture leaves out arrows that a longer way of arrows says already; the tables have all.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path

import grimp

from docs.layered_drawing import fitted, panel

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "architecture.md", ROOT / "docs" / "pictures" / "architecture.svg"
FOLDERS = ("study", "trainables", "analysis")
WIDTH, MARGIN, TITLE = 1280, 16, 40  # pixels: the picture's width, around it, and of a folder's heading
STYLE = """
.ground{fill:#fff}.folder{fill:#f4f6f8;stroke:#c3ccd5}.box{fill:#fff;stroke:#51606f}
.arrow{fill:none;stroke:#6b7b8c;stroke-width:1.2;marker-end:url(#head)}
.strong{fill:none;stroke:#24527a;stroke-width:3;marker-end:url(#strong-head)}
text{font-family:Helvetica,Arial,"DejaVu Sans",sans-serif;fill:#1d2731}
.title{font-size:18px;font-weight:bold}.name{font-size:13px;font-weight:bold}.small{font-size:10px}.said{font-size:12px}
""".replace("\n", "")

Rooms = dict[str, set[str]]


def rooms() -> dict[str, Rooms]:
    """By folder: each room and the rooms of the same folder that it imports."""
    graph = grimp.build_graph(*FOLDERS, cache_dir=None)
    found: dict[str, Rooms] = {}
    for folder in FOLDERS:
        found[folder] = {child.rpartition(".")[2]: set() for child in sorted(graph.find_children(folder))}
        for module in graph.find_descendants(folder):
            for imported in graph.find_modules_directly_imported_by(module):
                here, there = module.split("."), imported.split(".")
                if there[0] == folder and len(there) > 1 and here[1] != there[1]:
                    found[folder][here[1]].add(there[1])
    return found


def purpose(folder: str, room: str = "") -> str:
    """The first sentence of a docstring, without its full stop."""
    place = ROOT / folder / room
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(re.split(r"\.(?:\s|$)", said, maxsplit=1)[0].replace("`", "").split())


def picture(found: Mapping[str, Rooms]) -> str:
    """The SVG: study above, below it trainables and analysis, which know neither study nor each other."""
    half = (WIDTH - 3 * MARGIN) / 2
    above, height = _folder("study", found["study"], MARGIN, MARGIN, WIDTH - 2 * MARGIN)
    below, top = [], MARGIN + height + 44
    heights = [height]
    for place, folder in enumerate(FOLDERS[1:]):
        drawn, tall = _folder(folder, found[folder], MARGIN + place * (half + MARGIN), top, half)
        below += drawn
        heights.append(tall)
    strong = [
        f'<path class="strong" d="M{x:.0f} {MARGIN + height:.0f}V{top - 7:.0f}"/>'
        for x in (MARGIN + half / 2, WIDTH - MARGIN - half / 2)
    ]
    bottom = top + max(heights[1:]) + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom:.0f}" width="{WIDTH}"'
            f' height="{bottom:.0f}">',
            "<title>The rooms of study, trainables and analysis, and which imports which</title>",
            f"<defs><style>{STYLE}</style>{_head('head', '#6b7b8c', 7)}{_head('strong-head', '#24527a', 3)}</defs>",
            f'<rect class="ground" width="{WIDTH}" height="{bottom:.0f}"/>',
            *above,
            *below,
            *strong,
            "</svg>\n",
        ]
    )


def _folder(name: str, edges: Rooms, x: float, y: float, width: float) -> tuple[list[str], float]:
    drawn, height = panel(edges, {room: purpose(name, room) for room in edges}, x + 8, y + TITLE, width - 16)
    height += TITLE + MARGIN
    ground = f'<rect class="folder" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="8"/>'
    title = f'<text class="title" x="{x + 14:.1f}" y="{y + 26:.1f}">{name}/</text>'
    words = escape(fitted(purpose(name), int((width - 130) / 6.5)))
    said = f'<text class="said" x="{x + 40 + 9.6 * len(name):.1f}" y="{y + 26:.1f}">{words}</text>'
    return [ground, title, said, *drawn], height


def _head(name: str, colour: str, size: int) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="{size}" markerHeight="{size}"'
        f' orient="auto"><path d="M0 1L9 5L0 9z" fill="{colour}"/></marker>'
    )


def table(folder: str, edges: Rooms) -> str:
    """A folder's rooms in alphabetical order: what each is for and what it imports of its own folder."""
    lines = ["| room | what it is for | imports |", "|---|---|---|"]
    for room, imported in edges.items():
        suffix = "/" if (ROOT / folder / room).is_dir() else ".py"
        lines.append(f"| `{room}{suffix}` | {purpose(folder, room)} | {', '.join(sorted(imported))} |")
    return "\n".join(lines)


def page(found: Mapping[str, Rooms]) -> str:
    """The page with its tables filled; the rest of it is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    for folder, edges in found.items():
        marks = f"<!-- {folder} -->", f"<!-- end of {folder} -->"
        before, _, rest = text.partition(marks[0])
        text = "\n\n".join([before + marks[0], table(folder, edges), marks[1] + rest.partition(marks[1])[2]])
    return text


def main() -> int:
    """Write both files."""
    found = rooms()
    PICTURE.write_text(picture(found), encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)} and {PAGE.relative_to(ROOT)} are written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
