"""What keys mean, from the docstrings where they are declared, and cells of tables about them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Meaning(NamedTuple):
    """What a key means, and its unit, which may be empty."""

    words: str
    unit: str


def meanings(documented: Any, title: str = "Attributes") -> dict[str, Meaning]:
    """The keys that the section `title` of a docstring explains; of a class those of its bases, too."""
    bases = documented.__mro__ if isinstance(documented, type) else (documented,)
    found: dict[str, Meaning] = {}
    for one in reversed(bases):
        _, _, rest = inspect.cleandoc(one.__doc__ or "").partition(f"{title}:\n")
        section = re.split(r"\n\n(?=\S)", rest, maxsplit=1)[0]
        for name, unit, words in re.findall(r"^    (\w+)(?: \((.+?)\))?: (.*(?:\n {8,}.*)*)", section, re.MULTILINE):
            found[name] = Meaning(re.sub(r"\bNone\b", "null", " ".join(words.split())), unit)
    return found


def about(documented: Any, title: str = "Attributes") -> str:
    """What a docstring says before it comes to keys and errors."""
    text = re.split(rf"\n\n(?:{title}|Raises):\n", inspect.cleandoc(documented.__doc__ or ""), maxsplit=1)[0]
    return " ".join(text.split())


def table(*head: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a table."""
    cells = (tuple(cell.replace("|", "\\|") for cell in row) for row in rows)
    return [_line(head), "|" + "---|" * len(head), *map(_line, cells), ""]


def keys(
    prefix: str, accepted: Mapping[str, str], defaults: Mapping[str, str], meant: Mapping[str, Meaning]
) -> list[str]:
    """A table of keys, each a place that links can lead to; a key without a meaning is a `KeyError`."""
    rows = [
        (
            f'<a id="{prefix}{name}"></a>`{name}`',
            accepts + (f" ({meant[name].unit})" if meant[name].unit else ""),
            defaults[name],
            sentence(meant[name].words),
        )
        for name, accepts in accepted.items()
    ]
    return table("key", "what it may be", "default", "what it means", rows=rows)


def anchored(prefix: str, name: str) -> str:
    """A name in a table, a place that links and errors can lead to, as `penalty.r1`."""
    return f'<a id="{prefix}.{name}"></a>`{name}`'


def filled(page: str, tables: Mapping[str, list[str]]) -> str:
    """A page with the lines of each table between its marks, `<!-- NAME -->` and `<!-- end of NAME -->`."""
    for name, lines in tables.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = page.partition(start)
        page = "\n\n".join([before + start, "\n".join(lines).strip(), end + rest.partition(end)[2]])
    return page


def sentence(words: str) -> str:
    """With a capital letter, unless it begins with a name, and a full stop."""
    return words[0].upper() + words[1:].rstrip(".") + "."


def code(value: Any, braces: str = "{}") -> str:
    """A value as YAML has it on one line, a mapping between `braces`."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {_plain(one)}" for key, one in value.items())
        return f"`{braces[:1]}{inner}{braces[1:]}`"
    return f"`{_plain(value)}`"


def listed(names: Iterable[Any], last: str = "or") -> str:
    """`a`, `b` or `c`."""
    *most, end = [code(name) for name in names]
    return f"{', '.join(most)} {last} {end}" if most else end


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return code(value).strip("`")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(page: Path, text: str) -> int:
    """Write a page of docs/ and say so; the exit status."""
    page.write_text(text, encoding="utf-8")
    print(f"docs/{page.name} is written")
    return 0
