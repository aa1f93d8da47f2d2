"""Metadata in which any value is another are read, or refused in a sentence, and so is a report that follows."""

from __future__ import annotations

import copy
import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis import report
from analysis.record import metadata
from analysis.record.loading import RecordError, load
from analysis.record.schema import METADATA

LOOK = {"level": 0.5, "planned": 2, "extents": {"hinge": [1, 8]}, "open": ["hinge"], "more_seeds": True}
ABOUT: dict[str, Any] = {  # has every key of KEYS
    "study": "simulated",
    "build": "b",
    "built": 1.8e9,
    "earlier_rule": False,
    "damaged": 1,
    "lacking": ["search-hinge-0001: its plan is not in the ledger"],
    "undeclared": ["blur"],
    "data": {"name": "ring", "digest": "0a"},
    "classifier": {"accuracy": 0.9},
    "floor": {"fid": 0.001, "modes": 8.0},
    "floor_samples": 2500,
    "sessions": [{"time": 1.8e9, "versions": {"python": "3.11"}, "hardware": {"cpus": 2}, "host": "box",
                  "extended": ["search.repeats"]}],
    "searched": {"hinge": ["generator_lr", "critic_lr"], "minimax": ["generator_lr", "critic_lr"]},
    "arms": {"hinge": {"chosen": ["objective"], "without": ["source"], "space": {"generator_lr": "1e-4 … 1e-2 log"}}},
    "own": {"own.blur": {"meaning": "how blurred samples are", "better": "low"}},
    "trained_since": {"hinge is doubled": True},
    "no_longer_chosen": ["confirm-hinge-0001"],
    "looks": [LOOK],
    "config": {
        "study": "simulated",
        "data": {"name": "ring", "modes": 8},
        "budget": {"steps": 1000, "evaluations": 20, "equal": {"name": "samples", "per_step": 64.0}},
        "scientific": {"objective": ["hinge", "minimax"]},
        "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "critic_lr": {"log_uniform": [1e-4, 1e-2]}},
        "fixed": {"generator": {"hidden": [16]}},
        "evaluation": {"samples": 2500, "features": "raw"},
        "outcomes": {"metric": None, "tail": 0.4},
        "search": {
            "sampler": "tpe", "repeats": 1, "most_repeats": None, "metric": "fid", "mode": "min", "seed": 0,
            "diverged_at_most": 0.4,
        },
        "confirm": {"replicas": 8, "most": 16},
        "resources": {"cpu": 1.0},
    },
}  # fmt: skip
DROPPED = object()
ODD: tuple[Any, ...] = (
    None, True, "x", "", -1, 0, 0.5, 2**53, 10**400, math.nan, math.inf, [], {}, [None], ["x"], {"a": 1}, [{"a": [1]}],
    "\ud800", DROPPED,
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SENTENCE = re.compile(r"[^\n]*expected .+, got [^\n]+|'utf-8' codec can't encode [^\n]+")


def places(found: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in the metadata, of leaves and of all that holds them."""
    yield at
    for key, inner in found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ():
        yield from places(inner, (*at, key))


def changed(at: tuple[Any, ...], odd: Any, about: dict[str, Any] = ABOUT) -> Any:
    if not at:
        return odd
    found = copy.deepcopy(about)
    inside: Any = found
    for key in at[:-1]:
        inside = inside[key]
    if odd is DROPPED:
        del inside[at[-1]]
    else:
        inside[at[-1]] = odd
    return found


def packed(about: Any) -> dict[bytes, bytes]:
    return {METADATA: json.dumps(about).encode()}


PLACES = list(places(ABOUT))


def test_every_key_is_tried() -> None:
    for key in metadata.KEYS:
        assert key == "joined" or list(metadata._found(ABOUT, key.split("."))), key
    metadata.check(ABOUT)
    assert metadata.read(packed(ABOUT)) == ABOUT


@pytest.mark.parametrize(
    ("at", "odd", "message"),
    [
        ("config.budget.steps", "x", 'config.budget.steps: expected a whole number ≥ 1, got "x"'),
        ("config.budget.equal.per_step", 0, "config.budget.equal.per_step: expected a number > 0 or null, got 0"),
        ("config.search.diverged_at_most", 1.5, ".*: expected a number from 0 to 1 or null, got 1.5"),
        ("config.search.diverged_at_most", math.nan, "config.search.diverged_at_most: .*, got NaN"),
        ("config.search.metric", {"a": 1}, "config.search.metric: expected a measurement, or a list of such, got {"),
        ("config.search.metric", "fidd", 'expected a measurement, or a list of such, got "fidd"'),
        ("config.search.mode", "least", "config.search.mode: expected one of min, max, or a list of such or null"),
        ("config.search.repeats", True, "config.search.repeats: expected a whole number ≥ 1, got true"),
        ("config.scientific", "objective", "config.scientific: expected a mapping of lists, or a list of mappings"),
        ("config.scientific.objective", "hinge", "config.scientific: expected a mapping of lists"),
        ("config.search", None, "config.search: expected a mapping, got null"),
        ("sessions.0.time", 1e300, "sessions.0.time: expected unix seconds, got 1e"),
        ("looks.0.open", ["minimax"], "looks.0: expected a look, with level, planned, extents, open and more_seeds"),
        ("arms.hinge.chosen", [1], "arms.hinge.chosen.0: expected a text, got 1"),
        ("floor.fid", "low", 'floor.fid: expected a number or null, got "low"'),
        ("joined", [{}], "joined: expected nothing: a file is of one study, got"),
        ("data.shape", 10**400, "expected whole numbers up to 9007199254740992, got 1000"),
        ("config.own", [[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]], "expected at most 24 levels, got more"),
        ("study", "\ud800", "surrogates not allowed"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_was_expected(at: str, odd: Any, message: str) -> None:
    keys = tuple(int(key) if key.isdigit() else key for key in at.split("."))
    with pytest.raises(ValueError, match=message):
        metadata.read(packed(changed(keys, odd)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[1]", r"expected a mapping, got \[1\]"),
        (b"{", "Expecting property name"),
        (b"\xff", "can't decode byte"),
        (b"[" * 100_000, "expected at most 24 levels, got more"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "Exceeds the limit"),
    ],
)
def test_metadata_that_are_no_mapping_are_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metadata.read({METADATA: text})


def test_nothing_is_said_where_there_are_no_metadata() -> None:
    assert metadata.read(None) == {}
    assert metadata.stated({}, "config.search.repeats", 1) == 1
    assert metadata.stated({"config": {"search": {"repeats": None}}}, "config.search.repeats", 1) == 1
    assert metadata.stated({"config": {"search": {"repeats": 3}}}, "config.search.repeats", 1) == 3
    with pytest.raises(AssertionError):
        metadata.stated({}, "config.search.repeat")


def refusal(about: Any) -> str | None:
    """Why metadata are refused, in a sentence; None where they are read."""
    try:
        metadata.read(packed(about))
    except ValueError as error:
        return str(error)
    return None


def test_whatever_stands_anywhere_is_read_or_refused_in_a_sentence() -> None:
    found = [refusal(changed(at, odd)) for at in PLACES for odd in ODD if at or odd is not DROPPED]
    said = [why for why in found if why is not None]
    assert [why for why in said if not SENTENCE.fullmatch(why)] == []
    assert len(PLACES) < len(said) < len(found)


@pytest.mark.property
@given(st.sampled_from(PLACES), ANYTHING)
@example(("arms",), {"\n": None})
def test_so_it_is_of_anything_that_is_json(at: tuple[Any, ...], odd: Any) -> None:
    why = refusal(changed(at, odd))
    assert why is None or SENTENCE.fullmatch(why)


def test_a_report_of_what_was_read_is_written_or_refused_in_a_sentence(simulate: Any, tmp_path: Path) -> None:
    """Each record's metadata are changed in a tenth of all places, in each to an odd value that is read."""
    sizes = {"trials": 3, "replicas": 2, "confirm": 3, "evaluations": 4}
    whole = load(simulate(tmp_path, arms=("hinge", "minimax"), about=ABOUT, **sizes))
    chance, refused = random.Random(0), []
    for part in range(10):
        about: Any = ABOUT
        for at in sorted(PLACES[1:], key=len, reverse=True)[part::10]:  # what holds others last
            odd = (changed(at, odd, about) for odd in chance.sample(ODD, len(ODD)))
            about = next((one for one in odd if refusal(one) is None), about)
        try:
            findings = report.find(replace(whole, about=about))
            assert report.every_table(findings, tmp_path)
            assert report.answer(findings).question
        except RecordError as error:
            refused.append(str(error))
    assert [why for why in refused if not SENTENCE.fullmatch(why)] == []
    assert len(refused) < 7, refused
