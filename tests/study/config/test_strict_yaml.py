from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config import messages, strict_yaml
from study.config.messages import ConfigError

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("-3E+5", -3e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("0x1f", 31),
        ("0o17", 15),
        ("007", 7),
        ("+4", 4),
        ("1_000", "1_000"),
        ("off", "off"),
        ("yes", "yes"),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("'1e-4'", "1e-4"),
        ("~", None),
        ("", None),
        ("true", True),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    read = strict_yaml.parse(text, "here")
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' twice (line 3, column 1)"),
        ("a: &x 1", "an anchor or alias (line 1, column 4)"),
        ("a: *x", "an anchor or alias"),
        ("!!python/object/apply:os.system [ls]", "the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("!!set {a, b}", "the tag 'tag:yaml.org,2002:set'"),
        ("[" * 5000, "nesting deeper than 20"),
        ("a: " + "9" * 5000, "a number too long to read"),
        ("? [a]\n: 1", "a key that is not a string"),
        ("a: 1\n---\nb: 2", "a second document, where one is expected"),
        ("a: 'x", "a quotation mark that is not closed"),
        ("a: \0", "a character that YAML does not have"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        strict_yaml.parse(text, "here.yaml")
    assert str(caught.value).startswith("here.yaml: expected plain YAML, got ")


@pytest.mark.property
@given(PLAIN)
def test_what_is_dumped_reads_back_equal(value: Any) -> None:
    assert strict_yaml.parse(strict_yaml.dump(value), "here") == value


def test_dump_writes_no_aliases() -> None:
    shared = [1, 2]
    assert strict_yaml.parse(strict_yaml.dump({"a": shared, "b": shared}), "here") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {1: 2}}, "a: expected keys that are strings, got 1"),
        ({"a": [0, float("nan")]}, "a.1: expected a finite number, got nan"),
        ({"a": float("inf")}, "a: expected a finite number, got inf"),
        ({"a": 2**64}, "a: expected a number of at most 64 bits, got 65 bits"),
        ({"a": {1, 2}}, "a: expected plain data, got {1, 2}"),
        ({"a": b"x"}, "a: expected plain data, got b'x'"),
    ],
)
def test_check_refuses_what_yaml_could_not_hold(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        strict_yaml.check(value)


def test_check_ends_on_a_structure_that_holds_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="expected nesting of at most 20, got more"):
        strict_yaml.check(endless)


def test_overrides_reach_into_mappings_and_lists_and_make_what_is_missing() -> None:
    values: dict[str, Any] = {
        "search": {"seed": 1},
        "scientific": {"penalty": ["none", {"name": "r1"}]},
        "confirm": None,
    }
    for setting in (
        "search.trials_per_arm=3",
        "search.metric=[fid, modes]",
        "scientific.penalty.1.weight=1e-2",
        "confirm.top=2",
        "tracking.uri=http://host:1/?a=b",
        "study=",
    ):
        strict_yaml.override(values, setting)
    assert values == {
        "search": {"seed": 1, "trials_per_arm": 3, "metric": ["fid", "modes"]},
        "scientific": {"penalty": ["none", {"name": "r1", "weight": 0.01}]},
        "confirm": {"top": 2},
        "tracking": {"uri": "http://host:1/?a=b"},
        "study": None,
    }


def test_an_override_adds_to_a_list_behind_its_last() -> None:
    values: dict[str, Any] = {"scientific": [{"name": "a"}]}
    for setting in ("scientific.1={name: b}", "scientific.1.beta1=0.0", "scientific.2={name: c}"):
        strict_yaml.override(values, setting)
    assert values == {"scientific": [{"name": "a"}, {"name": "b", "beta1": 0.0}, {"name": "c"}]}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("a", "--set: expected key.path=value, got 'a'"),
        ("=1", "--set: expected key.path=value, got '=1'"),
        ("a..b=1", "--set: expected key.path=value"),
        ("a.b.c=1", "--set a.b.c: expected a mapping at 'a.b', got 1"),
        ("l.3=1", "--set l.3: expected an index below 3 into 'l', got '3'"),
        ("l.-1=1", "--set l.-1: expected an index below 3 into 'l', got '-1'"),
        ("l.²=1", "--set l.²: expected an index below 3 into 'l', got '²'"),
        ("l.2.a=1", "--set l.2.a: expected an index below 2 into 'l', got '2'"),
        ("a=[1", "--set a: expected plain YAML"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        strict_yaml.override({"a": {"b": 1}, "l": [1, 2]}, setting)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: expected a YAML file, got nothing there"):
        strict_yaml.read(tmp_path / "nowhere.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    for endless in (Path("/dev/zero"), tmp_path / "pipe.yaml"):
        with pytest.raises(ConfigError, match=f"^{endless}: expected a YAML file, got a device or a pipe"):
            strict_yaml.read(endless)


def test_messages_show_values_on_one_short_line() -> None:
    assert messages.shown("a\nb") == r"'a\nb'"
    assert messages.shown(None) == "null"
    assert messages.shown(True) == "true"
    assert len(messages.shown("x" * 999)) == messages.LONGEST
    assert len(messages.brief("x" * 9999)) == 4 * messages.LONGEST
