"""The command docs: the guide's pages in the terminal, as they come with ganstudy; errors point to places in them."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import study
from study.command.output import DONE, print_json
from study.config.messages import ConfigError, shown
from trainables.checks import close_to, meant

ANCHOR = '<a id="{}"></a>'
HEADING = re.compile(r"(#+) (.*)")


def docs(options: Namespace) -> int:
    """Print a page of the guide, or one place on it; without a name, what pages there are."""
    pages = shipped()
    if options.page is None:
        titles = {name: path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for name, path in pages.items()}
        if options.json:
            print_json({"pages": titles})
        else:
            print(*(f"{name}: {title}" for name, title in titles.items()), sep="\n")
        return DONE
    given, _, place = options.page.partition("#")
    name = given.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        near = meant(name, pages) or _spoken_of(name, pages) or close_to(name, pages)
        raise ConfigError(f"PAGE: no page of the guide is called {shown(given)}{near}")
    text = pages[name].read_text(encoding="utf-8")
    found = part(text, place) if place else text
    if found is None:
        raise ConfigError(f"PAGE: the page '{name}' has no place {shown(place)}{close_to(place, places(text))}")
    if options.json:
        print_json({"page": name, "place": place, "text": found})
    else:
        print(found.strip())
    return DONE


def shipped() -> dict[str, Path]:
    """The pages by name: within the package where it is installed, beside it in a clone."""
    package = Path(str(study.__file__)).parent
    folder = package / "docs" if (package / "docs").is_dir() else package.parent / "docs"
    return {path.stem: path for path in sorted(folder.glob("*.md"))}


def _spoken_of(word: str, pages: Mapping[str, Path]) -> str:
    """The tail of a message that says which page has a word most often; empty where none has it."""
    times = {name: path.read_text(encoding="utf-8").lower().count(word.lower()) for name, path in pages.items()}
    most = max(times, key=lambda name: times[name])
    return f"; '{most}' speaks of it" if word and times[most] else ""


def places(text: str) -> list[str]:
    """What may stand after `#`: the headings, as the guide's site names them, and the anchors of rows."""
    headings = [slug(match[2]) for line in text.splitlines() if (match := HEADING.fullmatch(line))]
    return [*headings, *re.findall(ANCHOR.format('([^"]+)'), text)]


def part(text: str, place: str) -> str | None:
    """What stands at a place of a page: a heading with all below it, or a table's row under its heading; None where
    there is no such place."""
    lines, above = text.splitlines(), ""
    for number, line in enumerate(lines):
        heading = HEADING.fullmatch(line)
        if heading and slug(heading[2]) == place:
            deep = len(heading[1])
            following = enumerate(lines[number + 1 :], number + 1)
            ends = (at for at, other in following if (m := HEADING.fullmatch(other)) and len(m[1]) <= deep)
            return "\n".join(lines[number : next(ends, len(lines))])
        if heading:
            above = line
        if (anchor := ANCHOR.format(place)) in line:
            return f"{above}\n\n{line.replace(anchor, '')}"
    return None


def slug(heading: str) -> str:
    """The name of a heading in addresses: small letters, digits and hyphens."""
    plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)
