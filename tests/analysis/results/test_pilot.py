from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record, RecordError, load
from analysis.results.pilot import parts, pilot
from analysis.statistics.crossed import components
from analysis.statistics.power import Parts


def drawn(known, shape, seed=0):
    generator, (k, m, seeds) = np.random.default_rng(seed), shape
    columns = ((known.repeat, (k, m, 1)), (known.interaction, (k, 1, seeds)), (known.rest, shape))
    return sum(np.sqrt(part) * generator.normal(size=size) for part, size in columns)


@pytest.mark.parametrize("known", [Parts(0.3, 0.1), Parts(0.0, 0.2), Parts(0.7, 0.0)])
@pytest.mark.parametrize("seeds", [4, 24])
def test_parts_are_found_whatever_the_number_of_seeds(known, seeds):
    found = [parts(drawn(known, (4, 40, seeds), seed)) for seed in range(30)]
    assert np.mean([one.repeat for one in found]) == pytest.approx(known.repeat, abs=0.04)
    assert np.mean([one.interaction for one in found]) == pytest.approx(known.interaction, abs=0.04)


def test_parts_give_back_the_variance_between_means_that_they_came_from():
    cells = drawn(Parts(0.4, 0.1), (3, 5, 8))
    assert parts(cells).between(8) == pytest.approx(float(components(cells).repeat.mean()))


def test_of_scores_all_alike_one_repeat_or_one_seed_no_parts_are_known():
    assert parts(np.ones((2, 3, 4))) is None
    for shape in ((2, 1, 4), (2, 3, 1)):
        assert parts(drawn(Parts(0.3, 0.1), shape)) is None


def test_a_record_with_repeats_says_how_its_variance_divides(simulate, tmp_path):
    found = pilot(load(simulate(tmp_path, repeats=3, confirm=12)))
    assert (found.arms, found.repeats, found.seeds, found.metric) == (3, 3, 12, "fid")
    assert 0 < found.converged < 1
    for one in (found.quality, found.convergence):
        assert 0 <= one.repeat + one.interaction <= 1
    assert found.quality.repeat < 0.3  # all configurations that are chosen are about as good


def test_a_record_of_one_search_says_how_often_replicas_converge(simulated):
    record = load(simulated)
    found = pilot(record)
    confirmed = record.trials[record.trials["phase"] == "confirm"]
    assert found.converged == pytest.approx((confirmed["outcome"] == "converged").mean())
    assert (found.repeats, found.quality, found.convergence) == (1, None, None)


def test_what_is_no_pilot_is_refused(simulated):
    record = load(simulated)
    with pytest.raises(RecordError, match="expected confirmed replicas, got none"):
        pilot(replace(record, trials=record.trials[record.trials["phase"] == "search"]))
    confirmed = record.trials[record.trials["phase"] == "confirm"]
    both = pd.concat([confirmed, confirmed.assign(index=confirmed["index"] + 1)])
    with pytest.raises(RecordError, match="expected one confirmed configuration of each search, got several"):
        pilot(Record(record.history, both, record.about))
