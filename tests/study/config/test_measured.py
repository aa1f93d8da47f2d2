"""Which metric is judged, of what each arm measures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from study.config.measured import judged_by
from study.config.plan import StudyPlan

Build = Callable[..., StudyPlan]


@pytest.mark.parametrize(
    ("data", "metric", "judged"),
    [("ring", None, "mass_js"), ("gaussian", None, "mass_js"), ("digits", None, "fid"), ("ring", "fid", "fid")],
)
def test_the_metric_judged_is_the_one_named_or_suits_the_data(
    least: Build, data: str, metric: str | None, judged: str
) -> None:
    assert judged_by(least(data=data, outcomes={"metric": metric})) == (judged,)


def test_no_metric_is_judged_of_a_map_of_dirac_gans(least: Build) -> None:
    search = {"metric": "dirac_converged", "mode": "max"}
    assert judged_by(least(data="dirac", scientific={"model": ["dirac"]}, search=search)) == ()
