"""What stands for each picture of a page states its result: an arm, and a number or an outcome."""

import re
from html import unescape

import pytest

pytestmark = pytest.mark.xdist_group("report")


def test_every_picture_of_a_page_is_told_by_its_result(page):
    told = {unescape(words) for words in re.findall(r'role="img" aria-label="([^"]*)"', page)}
    assert len(told) >= 10
    for words in told - {"TV"}:  # what an objective does is a sentence of its own
        assert re.search(r"non_saturating|least_squares|hinge", words), words
        assert re.search(r"\d|converged|collapsed|diverged", words), words
        assert not re.match(r"(?i)(a )?(figure|picture|plot|curves|bars|matrix)", words), words
