from __future__ import annotations

import pytest

pytest.importorskip("mkdocs", reason="the site needs mkdocs-material: pip install 'ganstudy[docs]'")

from mkdocs.exceptions import PluginError

from docs import linked_sources


def test_a_file_that_is_linked_to_becomes_a_page() -> None:
    page = linked_sources._page("configs/quickstart.yaml")
    assert "# configs/quickstart.yaml\n\n````yaml\n" in page
    assert "study: quickstart\n" in page
    assert "exclude: true" in page  # from the search


def test_a_page_of_markdown_remains_one_and_finds_its_pictures() -> None:
    page = linked_sources._page("benchmarks/results.md")
    assert "](../../pictures/searched_metric.png)" in page
    assert "````" not in page


def test_a_page_of_markdown_leads_to_pages_alone() -> None:
    page = linked_sources._page("benchmarks/labelled/README.md")
    assert "stands in outcome_rule.py. " in " ".join(page.split())


def test_a_link_to_a_file_that_is_not_there_stops_the_build() -> None:
    with pytest.raises(PluginError, match=r"docs: a page links to study/gone\.py, which is not there"):
        linked_sources._page("study/gone.py")
