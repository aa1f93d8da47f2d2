import pytest
import torch

from trainables.metrics import distances
from trainables.metrics.distances import blocks, squared_distances


@pytest.mark.parametrize("width", [1, 2, 50])
def test_as_cdist(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    x = torch.randn(3, 20, width, generator=generator, dtype=torch.float64)
    y = torch.randn(30, width, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(squared_distances(x, y), torch.cdist(x, y.expand(3, -1, -1)).square())


@pytest.mark.parametrize("width", [2, 64, 2048])
def test_slack_covers_the_rounding_of_equal_points(width: int) -> None:
    points = 100 * torch.randn(200, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shuffled = points[torch.randperm(200, generator=torch.Generator().manual_seed(1))]
    same = squared_distances(points, shuffled, slack=True).amin(1)
    assert (same <= 0).all()
    assert (same >= -1e-11 * points.square().sum(1)).all()


def test_blocks_cover_every_row_once() -> None:
    rows = [i for some in blocks(1000, 5000, torch.device("cpu")) for i in range(1000)[some]]
    assert rows == list(range(1000))


def test_a_block_stays_within_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(distances._ELEMENTS, "cpu", 100)
    assert [some.stop - some.start for some in blocks(25, 10, torch.device("cpu"))] == [10, 10, 5]


def test_a_row_larger_than_memory_is_a_block_of_its_own() -> None:
    assert len([*blocks(3, 2**40, torch.device("cpu"))]) == 3


def test_no_rows_no_blocks() -> None:
    assert not [*blocks(0, 10, torch.device("cpu"))]
