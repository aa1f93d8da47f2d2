"""The report of several studies of the same arms, each of a data set of its own."""

import numpy as np
import pytest

from analysis import report
from analysis.record.join import join
from analysis.record.loading import load
from analysis.report import answer, find
from analysis.statistics.ranks import relative_effect

pytestmark = pytest.mark.xdist_group("report over data sets")

ARMS = ("hinge", "minimax", "wasserstein")
SIZES = {"trials": 3, "replicas": 2, "evaluations": 4, "confirm": 6}
DATA = {"rings": {"name": "ring", "modes": 8}, "grids": {"name": "grid"}, "more-rings": {"name": "ring", "modes": 25}}


@pytest.fixture(scope="module")
def places(simulate, tmp_path_factory):
    """`places(**search)`: the folders of three studies; the second lacks the arm wasserstein."""

    def places(search=None):
        folder = tmp_path_factory.mktemp("joined")
        for place, (study, data) in enumerate(DATA.items()):
            (folder / study).mkdir()
            settings = {"metric": "fid", "mode": "min", "seed": place} | (search or {}).get(study, {})
            config = {"data": data, "budget": {"steps": 1000}, "search": settings}
            arms = ARMS[:2] if study == "grids" else ARMS
            simulate(folder / study, study=study, arms=arms, seed=place, about={"config": config}, **SIZES)
        return [folder / study for study in DATA]

    return places


@pytest.fixture(scope="module")
def written(places):
    """The three studies, and their common report in `report`."""
    studies = places()
    report.write(studies[0].parent, studies)
    return studies[0].parent


@pytest.fixture(scope="module")
def seen(written, words):
    """The page as a reader sees it."""
    return words((written / "report" / "index.html").read_text(encoding="utf-8"))


def costs(folder, study, arm):
    trials = load(folder / study).trials
    mine = trials[(trials["phase"] == "confirm") & (trials["arm"] == arm)]
    return np.where(mine["outcome"] == "diverged", np.inf, mine["fid"])


def test_the_answer_begins_with_the_data_sets_and_the_section_comes_first(seen):
    sentence = (
        "Over 3 data sets, hinge has the best average rank in quality, 1.00 of 2 arms. So few data sets cannot tell"
    )
    assert seen.count(sentence) == 2  # in the answer, and in its section
    opening, first = seen.split(" Over data sets Stability ", 1)  # of the table of contents
    assert sentence in opening + first[:100] or sentence in first
    assert "Left out, as not every study has a score of it: wasserstein." in seen
    assert "Convergence and quality are two questions; each is tested at 5 %." in seen


def test_scores_on_different_data_are_not_held_against_each_other(seen, written):
    assert "In quality (" not in seen
    assert not (written / "report" / "tables" / "pairs-confirm.csv").exists()


def test_the_tables_hold_what_the_records_say(written, rows):
    effects = [
        relative_effect(costs(written, study, "hinge"), costs(written, study, "minimax")).estimate for study in DATA
    ]
    found = rows(written, "over-quality-data-sets")
    assert [row["data set"] for row in found] == list(DATA)
    assert [float(row["hinge"]) for row in found] == pytest.approx(effects)
    assert [float(row["minimax"]) for row in found] == pytest.approx([1 - effect for effect in effects])
    (pair,) = rows(written, "over-quality-pairs")
    assert (pair["a"], pair["b"], pair["a better on"], pair["b better on"]) == ("hinge", "minimax", "3", "0")
    assert float(pair["a better than b"]) == pytest.approx(np.mean(effects))
    assert (float(pair["p"]), float(pair["p (Holm)"])) == (0.25, 0.25)
    assert float(pair["a better, at least"]) == pytest.approx(0.81, abs=0.02)
    best, other = rows(written, "over-quality-ranks")
    assert (best["arm"], float(best["average rank"]), best["best"]) == ("hinge", 1.0, "True")
    assert (other["arm"], other["indistinguishable"]) == ("minimax", "True")


def test_the_picture_states_the_result(written):
    page = (written / "report" / "index.html").read_text(encoding="utf-8")
    assert (
        'aria-label="Average ranks in quality over 3 data sets: hinge 1.00, minimax 2.00. Cannot be told apart: hinge'
        in page
    )
    assert (written / "report" / "figures" / "ranks-quality.svg").exists()
    assert (written / "report" / "figures" / "ranks-converged.pdf").exists()


def test_each_study_may_go_by_its_own_metric(places, undrawn):
    studies = places({"grids": {"metric": "high_quality", "mode": "max"}})
    page = report.write(studies[0].parent, studies).read_text(encoding="utf-8")
    assert (
        "searched by different metrics, rings by Fréchet distance, grids by share of high-quality samples and" in page
    )
    found = find(join([load(one) for one in studies]))
    (only,) = found.measured
    assert (only.quality, only.comparison, only.unmeasured, found.one_metric) == ((), None, (), False)
    assert [one.endpoint for one in found.standings] == ["converged", "quality"]
    assert any(sentence.startswith("Over 3 data sets,") for sentence in answer(found).found)


def test_what_is_said_over_data_sets_is_not_of_single_configurations(places):
    said = answer(find(join([load(one) for one in places()]))).caveats
    expected = (
        "Each arm was searched once in each study, so that all of this but what is said over several studies is true"
    )
    assert any(caveat.startswith(expected) for caveat in said)


def test_one_seed_of_all_searches_is_a_caveat(places, undrawn):
    studies = places({study: {"seed": 0} for study in DATA})
    found = answer(find(join([load(one) for one in studies])))
    assert found.caveats[0].startswith(
        "rings, grids and more-rings were searched with one search.seed, so that an arm's"
    )
    assert sum("search.seed" in caveat for caveat in found.caveats) == 1


def test_one_study_stands_over_no_data_sets(places):
    found = find(load(places()[0]))
    assert found.standings == ()
    assert found.one_data_set
