"""What a broken file is said to have: in words for whoever wrote it, with the line."""

from __future__ import annotations

import re

import pytest

from study.config.messages import ConfigError
from study.config.strict_yaml import parse


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "data: {name: ring, std: 0.02\nbudget: {steps: 5}",
            "a bracket that is not closed, or a comma that is missing, after the one opened in line 1, column 7",
        ),
        ("a: [1, 2", "a bracket that is not closed"),
        ("a:1\nb: 2", "an earlier colon without a space behind it"),
        ("a: 1\n  b: 2", "a line that is indented too far (line 2, column 4)"),
        ("a: x - 1\nb: y: z", "unquoted text with ': ' in it"),
        ("a: - 1", "a '- ' behind a key"),
        ("a:\n\t- 1", "a tab, where YAML indents by spaces (line 2, column 1)"),
        ("a: @x", "text that begins with '@', which must be quoted (line 1, column 4)"),
        ("a: 'x\nb: 2", "a quotation mark that is not closed, after the one opened in line 1, column 4"),
        ("a: {b: 1}}", "a '}' that closes nothing (line 1, column 10)"),
        ("a: ]", "a ']' that closes nothing"),
        ("a: 1\n- b", "a line that is indented otherwise than the mapping or list it belongs to, begun in line 1"),
        ("a: [", "an end where a value was to follow"),
        ("a: 1\n---\nb: 2", "a second document, where one is expected"),
        ('a: "\\q"', "an escape unknown to YAML, \\ before 'q', in double quotes"),
        ("a: 1\n b\0: 2", "a character that YAML does not have, '\\x00' (line 2, column 3)"),
        ("\x1b[31m", "a character that YAML does not have, '\\x1b' (line 1, column 1)"),
        ("a: '\ud800'", "a character that YAML does not have, '\\ud800' (line 1, column 5)"),
        ('a: "\\U00110000"', "an escape beyond Unicode's last, 0010FFFF"),
        ('a: "\\UFFFFFFFF"', "an escape beyond Unicode's last, 0010FFFF"),
        ('a: "\\', "a quotation mark that is not closed, after the one opened in line 1, column 4"),
        ('a: "\\x', "an escape, \\ and a letter, that is cut short, in double quotes"),
        ('a: "\\u12"', "an escape, \\ and a letter, that is cut short, in double quotes"),
        ("a: 'b\n---\n", "a quotation mark that is not closed, after the one opened in line 1, column 4"),
        ("a: 1\nb\nc: 2", "a line without ': ' behind its key"),
        ("[,]", "',' where a value was to follow (line 1, column 2)"),
        ("a: 1\n...\nb", "a second document, where one is expected"),
        ("a: &", "text that begins with & or *, which must be quoted (line 1, column 5)"),
        ("a: !x!y z", "text that begins with !, which must be quoted"),
        ("a: | x", "text that is none: expected a comment or a line break, but found 'x' (line 1, column 6)"),
    ],
)
def test_what_is_no_yaml_is_told_in_plain_words(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse(text, "study.yaml")
