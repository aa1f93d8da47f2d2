"""The report of several studies: one page, arms named study/arm, every study's origins told apart."""

import numpy as np
import pytest

from analysis import report
from analysis.record.join import join
from analysis.record.loading import RecordError, load
from analysis.report import answer, find, provenance
from analysis.results.criteria import metric_and_mode

pytestmark = pytest.mark.xdist_group("joined report")

CONFIG = {"data": {"name": "ring", "modes": 8}, "search": {"metric": "fid", "mode": "min", "seed": 0}}
SIZES = {"trials": 4, "replicas": 2, "evaluations": 4}


@pytest.fixture(scope="module")
def joined(simulate, tmp_path_factory):
    """Two studies with arms and trials of the same names, one of them not confirmed and not done."""
    folder = tmp_path_factory.mktemp("joined")
    places = [folder / "rings", folder / "more-rings"]
    abouts = [
        {"config": {**CONFIG, "budget": {"steps": 1000}}, "damaged": 2},
        {"config": {**CONFIG, "budget": {"steps": 2000}, "search": {**CONFIG["search"], "seed": 7}}},
    ]
    for place, about, confirm, running in zip(places, abouts, (6, 0), (0, 1), strict=True):
        place.mkdir()
        simulate(
            place, study=place.name, arms=("hinge", "minimax"), confirm=confirm, running=running, about=about, **SIZES
        )
    assert report.write(folder, places) == folder / "report" / "index.html"
    return folder


@pytest.fixture(scope="module")
def record(joined):
    return join([load(joined / name) for name in ("rings", "more-rings")])


@pytest.fixture(scope="module")
def seen(joined, words):
    """The page as a reader sees it."""
    return words((joined / "report" / "index.html").read_text(encoding="utf-8"))


def test_the_page_says_that_it_is_joined_and_wherein_the_studies_differ(seen):
    assert seen.startswith("rings + more-rings ")
    assert "One search chose a configuration for each arm of the studies rings and more-rings: which of them" in seen
    assert "Joined from the records of 2 studies, rings and more-rings. An arm is named study/arm" in seen
    assert "differ not in their arms alone but also in budget.steps: so may their results." in seen
    assert "Not all of these studies are finished: 1 trial had not ended." in seen


def test_arms_carry_their_studys_name_in_every_table(joined, rows):
    assert [row["arm"] for row in rows(joined, "outcomes-confirm")] == ["rings/hinge", "rings/minimax"]
    assert [row["arm"] for row in rows(joined, "outcomes-search")] == [
        "rings/hinge", "rings/minimax", "more-rings/hinge", "more-rings/minimax",
    ]  # fmt: skip
    assert {row["arm"] for row in rows(joined, "quality-confirm")} == {"rings/hinge", "rings/minimax"}


def test_every_median_is_that_of_its_studys_rows(joined, rows):
    confirmed = load(joined / "rings").trials.query("phase == 'confirm'")
    for row in rows(joined, "quality-confirm"):
        mine = confirmed[confirmed["arm"] == row["arm"].removeprefix("rings/")]
        scores = np.where(mine["outcome"] == "diverged", np.inf, mine["fid"])
        assert float(row["median Fréchet distance"]) == pytest.approx(np.median(scores))


def test_replicas_are_judged_by_their_own_studys_floor(record):
    """Floors are drawn with each study's own seed and differ, which leaves no outcome untold."""
    history = record.history.assign(high_quality=0.9)  # of so few evaluations all are the tail, in which it rises
    record = type(record)(history, record.trials, record.about)
    trials = record.trials.assign(**{"floor.high_quality": np.where(record.trials["study"] == "rings", 0.99, 0.98)})
    found = find(type(record)(history, trials, record.about))
    assert found.record.trials["outcome"].tolist() == find(record).record.trials["outcome"].tolist()
    lower = record.trials.assign(**{"floor.high_quality": np.where(record.trials["study"] == "rings", 0.99, 9.9)})
    judged = find(type(record)(record.history, lower, record.about)).record.trials
    assert set(judged.loc[judged["study"] == "rings", "outcome"].dropna()) >= {"converged"}
    assert not (judged.loc[judged["study"] == "more-rings", "outcome"] == "converged").any()


def test_what_was_left_out_is_counted_in_its_study(joined, seen, rows):
    (row,) = rows(joined, "left-out")
    assert (row["what"], row["trials"], row["replicas"]) == ("running", "1", "2")
    assert "rings: 2 lines of the ledger could not be read and are not here." in seen


def test_each_study_tells_how_it_was_made(seen):
    made = seen[seen.index("How it was made rings trials") :]
    first, second = made.split("more-rings trials", 1)
    assert "search's seed 0" in first
    assert "confirm: 10000–10005" in first
    assert "rings: Floors" in first
    assert "steps: 1000" in first
    assert "search's seed 7" in second
    assert "10000" not in second.split("more-rings: Configuration")[0]
    assert "steps: 2000" in second
    for part in (first, second):
        assert "python 3.11" in part
        assert "host box" in part
    assert "of build rings and more-rings" in seen


def test_shown_samples_are_of_one_trial_of_one_study(record):
    found = find(record)
    assert set(found.shown) == {"rings/hinge", "rings/minimax"}
    assert all(trial.startswith("rings/confirm-") for trial in found.shown.values())
    assert [shares.arm for shares in found.shares] == list(found.shown)
    assert set(found.palette) == set(found.arms)
    assert "search's results alone: more-rings/hinge and more-rings/minimax." in " ".join(answer(found).caveats)


def test_studies_that_are_configured_alike_are_said_to_be(record):
    about = record.about["joined"][0]
    twin = {"joined": [about, {**about, "study": "twin"}]}
    (said,) = provenance.joining(type(record)(record.history, record.trials, twin))
    assert said.endswith("But for their arms the studies were configured alike.")


def test_different_metrics_have_no_common_report():
    about = {"joined": [{"config": CONFIG}, {"config": {"search": {"metric": "kid"}}}]}
    with pytest.raises(RecordError, match=r"search\.metric: the joined studies differ, fid \(min\) and kid \(min\)"):
        metric_and_mode(about)
