"""Errors that send their reader to a page: it is there, and so is the place on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.config.messages import ConfigError, see

ROOT = Path(__file__).parents[2]
LEAST: dict[str, Any] = {"study": "example", "data": "ring", "budget": {"steps": 2000, "batch_size": 64}}
WRONG = {  # what is wrong, and the place where its reader finds more
    "configuration.md#study.search": {"serch": {}},
    "configuration.md#search.trials_per_arm": {"search": {"trails_per_arm": 3}},
    "configuration.md#search.lag": {"lag": 3},
    "configuration.md#budget.equal.per_step": {"budget": {**LEAST["budget"], "equal": {"per_stp": 1}}},
    "configuration.md#outcomes.modes": {"outcomes": {"mods": 1}},
    "configuration.md#fixed.critic_steps": {"fixed": {"critic_step": 1}},
    "configuration.md#fixed.beta1": {"fixed": {"beta1": 2}},
    "names.md#penalty.r1": {"fixed": {"penalty": {"name": "r1", "lambda": 10}}},
    "names.md#objectives": {"scientific": {"objective": ["bce"]}},
    "names.md#measurements": {"search": {"metric": "kid"}},
    "rounds.md": {"confirm": {"until": "decided"}},
}


def places(page: str) -> set[str]:
    """Where links to a page can lead: what its HTML names, and its headings."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return {"", *re.findall(r'<a id="([^"]+)">', text), *slugs}


def test_no_place_of_a_page_has_the_name_of_another() -> None:
    for page in ("configuration.md", "names.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        named = [*re.findall(r'<a id="([^"]+)">', text), *re.findall(r"^#+ (\w+)$", text, re.MULTILINE)]
        assert len(set(named)) == len(named)


def is_there(place: str) -> bool:
    page, _, anchor = place.partition("#")
    return (ROOT / "docs" / page).is_file() and anchor in places(page)


@pytest.mark.parametrize("place", WRONG)
def test_an_error_sends_its_reader_to_a_place_that_is_there(place: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(see(place)) + "$"):
        loading.build({**LEAST, **WRONG[place]})
    assert is_there(place)


def test_places_that_the_code_names_are_there() -> None:
    named = set()
    for path in (ROOT / "study").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"""see\(["']([\w.#-]+)["']\)""", text)) | set(re.findall(r"docs/(\w+\.md)", text))
    assert "own_metrics.md" in named
    assert [place for place in named if not is_there(place)] == []


def test_a_value_out_of_range_needs_no_page() -> None:
    with pytest.raises(ConfigError, match=r"replicas: expected [^(]+, got 0$"):
        loading.build({**LEAST, "replicas": 0})
