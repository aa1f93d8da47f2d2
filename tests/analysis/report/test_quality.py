from dataclasses import replace
from math import nan

import pytest

from analysis import report
from analysis.record.loading import load
from analysis.report.quality import quality
from analysis.report.writer import FigureWriter


@pytest.fixture(scope="module")
def findings(written):
    return report.find(load(written))


def test_the_caption_tells_of_intervals_where_they_are_drawn(findings, words, undrawn, tmp_path):
    [measured] = findings.measured

    def caption(quality_of_arms):
        found = replace(findings, measured=(replace(measured, quality=quality_of_arms),))
        return words(quality(found, FigureWriter(tmp_path, findings.palette)).markup)

    said = "Above them the median with its 95 % interval, and behind it that of the interquartile mean."
    assert said in caption(measured.quality)
    without = [replace(one, median=replace(one.median, low=nan, high=nan)) for one in measured.quality]
    assert "Above them the median. Diverged replicas are counted." in caption(without)
    assert said in caption([*without[1:], measured.quality[0]])
