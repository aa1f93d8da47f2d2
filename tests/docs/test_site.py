"""The guide builds as a site without a warning, and needs nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc="https?:|<link[^>]*\shref="https?:|@import|url\(["']?http"""
)

pytest.importorskip("mkdocs", reason="the site needs mkdocs-material: pip install 'ganstudy[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site: every link and anchor leads somewhere, every page is in the navigation."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def test_every_page_is_there_and_nothing_else_of_docs(site: Path) -> None:
    written = {path.stem for path in site.glob("*.html")} - {"404"}
    assert written == {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert list(site.rglob("*.py")) == []


def test_pages_fetch_nothing(site: Path) -> None:
    pages = [*site.rglob("*.html"), *(site / "pictures").glob("*.css")]
    assert [(path.name, found) for path in pages for found in FETCHED.findall(path.read_text(encoding="utf-8"))] == []


def test_files_that_pages_link_to_are_pages(site: Path) -> None:
    linked = (site / "source/study/run.py.html").read_text(encoding="utf-8")
    assert '<h1 id="studyrunpy">study/run.py' in linked
    assert 'href="source/study/run.py.html"' in (site / "architecture.html").read_text(encoding="utf-8")


def test_formulas_are_drawn_by_the_browser(site: Path) -> None:
    page = (site / "objectives.html").read_text(encoding="utf-8")
    assert page.count("<math") > 100
    assert re.findall(r"\\[a-z]+", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)) == []
    assert "$<code>" not in page


def test_the_search_knows_the_pages(site: Path) -> None:
    found = {entry["location"] for entry in json.loads((site / "search/search_index.json").read_text())["docs"]}
    assert {"outcomes.html#noise", "library.html#names"} <= found
    assert not any(place.startswith("source/") for place in found)
