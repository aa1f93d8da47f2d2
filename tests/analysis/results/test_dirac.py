"""Shares of Dirac-GAN maps, counted by hand, and the maps themselves read back from pictures."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from analysis.record.loading import Record, RecordError
from analysis.results.dirac import ENDS, DiracMap, dirac_map, dirac_shares
from analysis.results.selection import select

STEPS, GAMMAS = np.array([0.1, 1.0, 10.0]), np.array([0.5, 2.0])
RADIUS = np.array([[0.5, 0.9], [0.99, 1.0], [1.01, 3.0]])
DISTANCE = np.array([[1e-9, 0.4], [0.5, 2.0], [1.9, np.nan]])


def of_phase(rows, phase):
    return select(Record(rows, rows, {}), phase)


def trials(**columns):
    """Two starts of a map of 5 x 4 cells in arm a."""
    rows = {
        "study": "s", "phase": "search", "arm": "a", "repeat": 0, "trial_id": "search-a-0000", "seed": [0, 1],
        "status": "completed",
        "dirac_converged": [0.4, 0.6], "dirac_agreement": [0.9, 1.0],
        "config.data.step.count": 5, "config.data.gamma.count": 4,
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def save(folder, step, **arrays):
    pictures = folder / "trials" / "t" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    given = {
        "distance": np.stack([DISTANCE, DISTANCE / 2]), "step": STEPS, "gamma": GAMMAS, "radius": RADIUS, "moves": 10,
        "tolerance": 1e-3,
    }  # fmt: skip
    kept = {f"dirac_{name}": value for name, value in (given | arrays).items()}
    np.savez(pictures / f"{step:08d}.npz", seeds=[7, 8], **kept)


@pytest.mark.golden
def test_shares_are_means_over_starts_with_wilsons_interval_over_cells():
    (found,) = dirac_shares(of_phase(trials(), "search"))
    assert (found.arm, found.starts, found.cells) == ("a", 2, 20)
    exact = binomtest(10, 20).proportion_ci(0.95, method="wilson")
    assert (found.converged.estimate, found.converged.low, found.converged.high) == pytest.approx((0.5, *exact))
    exact = binomtest(19, 20).proportion_ci(0.95, method="wilson")
    assert (found.predicted.estimate, found.predicted.low, found.predicted.high) == pytest.approx((0.95, *exact))
    assert (found.lowest, found.highest) == (0.9, 1.0)
    assert found.predicted.captures == "configurations"


def test_more_starts_make_no_more_cells_and_more_maps_do():
    more = pd.concat([trials(seed=[seed, seed + 1]) for seed in (0, 2, 4)])
    assert dirac_shares(of_phase(more, "search"))[0].cells == 20
    others = pd.concat([trials(trial_id=f"search-a-{k}") for k in range(3)])
    assert dirac_shares(of_phase(others, "search"))[0].cells == 60


def test_only_maps_that_were_played_to_their_end_count():
    assert dirac_shares(of_phase(trials(status="running"), "search")) == ()
    assert dirac_shares(of_phase(trials(dirac_converged=np.nan), "search")) == ()
    assert dirac_shares(of_phase(trials(), "confirm")) == ()


def test_a_map_without_a_size_is_refused():
    with pytest.raises(RecordError, match=r"need config\.data\.gamma\.count, which arm a lacks"):
        dirac_shares(of_phase(trials().drop(columns="config.data.gamma.count"), "search"))


@pytest.mark.golden
def test_a_cell_ends_and_is_predicted_by_its_distance(tmp_path):
    save(tmp_path, 10)
    found = dirac_map(tmp_path, "a", "t")
    assert isinstance(found, DiracMap)
    assert (found.seed, found.moves, found.tolerance) == (7, 10, 1e-3)
    # 0.5^10 < 1/1000; 0.9^10 = 0.35; 0.99^10 = 0.90; 1; 1.01^10 = 1.10; 3^10
    assert np.array(ENDS)[found.predicted].tolist() == [
        ["converged", "nearer"], ["as far", "as far"], ["as far", "farther"],
    ]  # fmt: skip
    assert np.array(ENDS)[found.ends].tolist() == [
        ["converged", "nearer"], ["as far", "farther"], ["as far", "farther"],
    ]  # fmt: skip
    assert not found.wrong.any()  # as far or farther: neither converged


def test_a_cell_is_wrong_where_it_converged_or_not_against_its_eigenvalues(tmp_path):
    save(tmp_path, 10, distance=np.stack([np.array([[1.0, 1e-4], [1.0, 1.0], [1e-3, np.inf]])] * 2))
    assert dirac_map(tmp_path, "a", "t").wrong.tolist() == [[True, True], [False, False], [False, False]]


def test_the_newest_map_that_is_whole_is_read_of_the_replica_asked_for(tmp_path):
    save(tmp_path, 10)
    save(tmp_path, 20, moves=20)
    save(tmp_path, 30, distance=np.ones((2, 3, 3)))
    (tmp_path / "trials" / "t" / "pictures" / "00000040.npz").write_bytes(b"PK torn")
    found = dirac_map(tmp_path, "a", "t", replica=1)
    assert (found.moves, found.seed) == (20, 8)
    np.testing.assert_array_equal(found.distance, DISTANCE / 2)


def test_without_a_map_there_is_none(tmp_path):
    assert dirac_map(tmp_path, "a", "t") is None
    pictures = tmp_path / "trials" / "t" / "pictures"
    pictures.mkdir(parents=True)
    np.savez(pictures / "00000010.npz", samples=np.zeros((1, 5, 2)), seeds=[0])
    assert dirac_map(tmp_path, "a", "t") is None
    save(tmp_path, 20)
    assert dirac_map(tmp_path, "a", "t", replica=2) is None


def test_what_overflows_is_predicted_to_be_lost(tmp_path):
    save(tmp_path, 10, radius=np.full((3, 2), 1e8), moves=1000)
    assert (dirac_map(tmp_path, "a", "t").predicted == 3).all()
