"""Augmentations pixel by pixel, in plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables.augmentations import (
    AUGMENTATIONS,
    augmented,
    changed,
    coloured,
    cut_out,
    numbers,
    numbers_of,
    translated,
    uniformly,
)


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


IMAGES = 2 * rand(2, 5, 3, 8, 6) - 1  # replicas, samples, channels, height, width


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """One image (c, h, w), shifted by padding and cutting."""
    _, height, width = image.shape
    padded = functional.pad(image, (width, width, height, height))
    return padded[:, height - down : 2 * height - down, width - right : 2 * width - right]


def test_translations_are_whole_pixels_with_zeros_from_outside() -> None:
    uniform, shares = rand(2, 5, 2, seed=1), (0.125, 0.4)
    found = translated(IMAGES, uniform, torch.tensor(shares, dtype=torch.float64))
    for i, share in enumerate(shares):
        for j in range(5):
            by = []
            for side, u in zip((8, 6), uniform[i, j].tolist(), strict=True):
                most = math.floor(share * side + 0.5)
                by.append(math.floor(u * (2 * most + 1)) - most)
            assert torch.equal(found[i, j], moved(IMAGES[i, j], *by))


def test_whole_numbers_are_uniform_and_never_beyond_their_ends() -> None:
    uniform = torch.rand(1, 100_000, generator=torch.Generator().manual_seed(3))
    counts = torch.bincount(uniformly(uniform, -2.0, 2.0).flatten() + 2) / 100_000
    assert counts.tolist() == pytest.approx([0.2] * 5, abs=0.01)
    for most in range(100):  # 1 - 2^-24 is the largest number below 1
        assert uniformly(torch.tensor([[0.0, 1 - 2**-24]]), -most, most).tolist() == [[-most, most]]


def test_images_are_mirrored_with_their_replicas_probability() -> None:
    uniform = torch.full((2, 5, 3), 0.5, dtype=torch.float64)
    settings = {"shift": torch.tensor([0.01, 0.01]), "flip": torch.tensor([0.4, 0.6])}
    found = changed(IMAGES, uniform, settings, torch.ones(2))
    assert torch.equal(found[0], IMAGES[0])
    assert torch.equal(found[1], IMAGES[1].flip(3))


def test_points_are_jittered_by_a_share_of_the_spread() -> None:
    points, uniform = rand(2, 5, 2), rand(2, 5, 2, seed=1)
    noise, spread = torch.tensor([[0.1, 2.0], [3.0, 0.5]], dtype=torch.float64)
    found = changed(points, uniform, {"noise": noise}, spread)
    for i, width in enumerate((0.3, 1.0)):
        expected = points[i] + width * math.sqrt(3) * (2 * uniform[i] - 1)
        torch.testing.assert_close(found[i], expected, rtol=1e-12, atol=0)


def test_numbers_are_as_many_as_are_taken() -> None:
    assert [numbers(shape) for shape in ((3, 8, 8), (1, 4, 6), (2,), (75,))] == [3, 3, 2, 75]


def test_translation_passes_gradients_and_their_gradients() -> None:
    images = IMAGES[:1, :2, :1].clone().requires_grad_()
    uniform = rand(1, 2, 2, seed=4)
    assert torch.autograd.gradcheck(lambda x: translated(x, uniform, 0.25), images)
    assert torch.autograd.gradgradcheck(lambda x: translated(x, uniform, 0.25).pow(2), images)


def test_a_replica_alone_is_the_replica_in_company() -> None:
    uniform, settings = rand(2, 5, 3, seed=5), {"shift": torch.tensor([0.1, 0.3]), "flip": torch.tensor([0.5, 0.2])}
    whole = changed(IMAGES, uniform, settings, torch.ones(2))
    alone = changed(IMAGES[1:], uniform[1:], {name: value[1:] for name, value in settings.items()}, torch.ones(1))
    assert torch.equal(whole[1:], alone)


def by_hand(image: Tensor, numbers: list[float], names: tuple[str, ...]) -> Tensor:
    """One image (c, h, w) as the authors' page has it, pixel by pixel."""
    _, height, width = image.shape
    left = iter(numbers)
    if "colour" in names:
        u, v, w = (next(left) for _ in range(3))
        image = image + u - 0.5
        grey = torch.stack([image[:, y, x].mean() for y in range(height) for x in range(width)]).view(height, width)
        image = grey + 2 * v * (image - grey)
        image = image.mean() + (w + 0.5) * (image - image.mean())
    if "translation" in names:
        most = [math.floor(side / 8 + 0.5) for side in (height, width)]
        image = moved(image, *(math.floor(next(left) * (2 * m + 1)) - m for m in most))
    if "cutout" in names:
        sizes = [math.floor(side / 2 + 0.5) for side in (height, width)]
        centres = [
            math.floor(next(left) * (side + 1 - size % 2)) for side, size in zip((height, width), sizes, strict=True)
        ]
        image = image.clone()
        for y in range(sizes[0]):
            for x in range(sizes[1]):  # the authors clamp what is outside to the edge
                row = min(max(centres[0] + y - sizes[0] // 2, 0), height - 1)
                column = min(max(centres[1] + x - sizes[1] // 2, 0), width - 1)
                image[:, row, column] = 0
    return image


@pytest.mark.golden
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 9, 7), (3, 32, 32)])
@pytest.mark.parametrize("names", [("colour",), ("translation",), ("cutout",), ("colour", "translation", "cutout")])
def test_diffaugment_is_the_authors(names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    images, uniform = 2 * rand(2, 6, *shape) - 1, rand(2, 6, numbers_of(names), seed=1)
    uniform[0, 0], uniform[0, 1] = 0, 1 - 2**-53
    found = augmented(images, uniform, names)
    for i in range(2):
        for j in range(6):
            expected = by_hand(images[i, j], uniform[i, j].tolist(), names)
            torch.testing.assert_close(found[i, j], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_pass_gradients(name: str) -> None:
    images, uniform = IMAGES[:1, :2].clone().requires_grad_(), rand(1, 2, AUGMENTATIONS[name].numbers, seed=4)
    assert torch.autograd.gradcheck(lambda x: AUGMENTATIONS[name].change(x, uniform), images)


def test_grey_images_have_no_saturation() -> None:
    grey, uniform = IMAGES[:, :, :1], rand(2, 5, 3, seed=6)
    other = uniform.clone()
    other[..., 1] = 0.9
    torch.testing.assert_close(coloured(grey, uniform), coloured(grey, other), rtol=1e-12, atol=1e-15)


def test_cutouts_reach_every_pixel_and_never_take_all() -> None:
    ones = torch.ones(1, 2000, 1, 8, 6, dtype=torch.float64)
    left = cut_out(ones, rand(1, 2000, 2, seed=7))
    share = left.mean((1, 2))[0]
    assert 0 < float(share.min()) <= float(share.max()) < 1
    assert float(left.mean((3, 4)).min()) == 0.75  # half of the height times half of the width
