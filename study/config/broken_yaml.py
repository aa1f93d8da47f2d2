"""What is wrong with a text that is no YAML, in a sentence for whoever wrote it; PyYAML's own speaks of its tokens."""

from __future__ import annotations

import re

import yaml
from yaml.reader import ReaderError

# What PyYAML says, and what is said for it; {opened} is where that which it was reading begins.
SENTENCES: tuple[tuple[str, str], ...] = (
    (
        r"expected ',' or '[]}]'",
        "a bracket that is not closed, or a comma that is missing, after the one opened {opened}",
    ),
    (
        "mapping values are not allowed",
        "a ':' where no key can stand: an earlier colon without a space behind it, unquoted text with ': ' in it, or a"
        " line that is indented too far",
    ),
    ("sequence entries are not allowed", "a '- ' behind a key: entries stand on lines of their own, or in [brackets]"),
    (r"found character '\\t'", "a tab, where YAML indents by spaces"),
    ("found character '(.)' that cannot start", "text that begins with {0}, which must be quoted"),
    (
        r"found unexpected (?:end of stream|document separator)|escape character '\\x00'",
        "a quotation mark that is not closed, after the one opened {opened}",
    ),
    (r"but found '([]}])'", "a {0} that closes nothing"),
    (
        "expected <block end>",
        "a line that is indented otherwise than the mapping or list it belongs to, begun {opened}",
    ),
    ("expected the node content, but found '<(?:stream|document) end>'", "an end where a value was to follow"),
    ("expected the node content, but found '(.+)'", "{0} where a value was to follow"),
    ("found another document|expected '<document start>'", "a second document, where one is expected"),
    (
        "unknown escape character '(.)'",
        "an escape unknown to YAML, \\ before {0}, in double quotes; single quotes keep a backslash as it is",
    ),
    (
        "escape sequence of . hexadecimal",
        "an escape, \\ and a letter, that is cut short, in double quotes; single quotes keep a backslash as it is",
    ),
    ("could not find expected ':'", "a line without ': ' behind its key, or text that goes on in a line of its own"),
    ("expected alphabetic or numeric", "text that begins with & or *, which must be quoted"),
    ("tag handle|expected URI|expected '[>!]'", "text that begins with !, which must be quoted"),
)


def described(error: yaml.YAMLError, text: str) -> str:
    """What the text had instead of YAML, and where: `a tab, where YAML indents by spaces (line 2, column 1)`."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"a character that YAML does not have, {chr(error.character)!r} (line {line}, column {column})"
    assert isinstance(error, yaml.MarkedYAMLError)
    mark = error.problem_mark or error.context_mark
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    problem = error.problem or error.context or "something else"
    if type(error) is yaml.MarkedYAMLError:  # of `study.config.strict_yaml`; PyYAML's own errors are subclasses
        return f"{problem}{place}"
    begun = error.context_mark
    opened = f"in line {begun.line + 1}, column {begun.column + 1}" if begun else "before"
    for pattern, sentence in SENTENCES:
        if found := re.search(pattern, problem):
            return sentence.format(*map(repr, found.groups()), opened=opened) + place
    return f"text that is none: {problem.replace(repr(chr(0)), 'the end')}{place}"
