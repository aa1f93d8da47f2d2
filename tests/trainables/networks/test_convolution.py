"""Every way to compute convolutions against torch's own: results, gradients, and gradients of gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainables import native
from trainables.networks import convolution
from trainables.networks.convolution import KERNEL, LARGE, SMALL, WAYS, Geometry, by, convolve

REPLICAS, BATCH = 3, 5
# Channels, features, side of the large images, of the kernels, stride, padding.
SHAPES = [(1, 16, 8, 4, 2, 1), (2, 32, 8, 4, 2, 1), (16, 24, 6, 3, 1, 1), (17, 19, 5, 1, 1, 0), (3, 16, 7, 3, 2, 0)]
# With fewer products where both channels fill vectors: tiles of three and two outputs in all mixtures. In the first
# the images do not go together; the last two are as by the definition.
HALVED = [
    *((channels, features, side, 4, 2, 1) for channels, features, side in ((64, 64, 14), (16, 32, 12), (32, 16, 10))),
    *((channels, features, side, 4, 2, 1) for channels, features, side in ((16, 16, 8), (16, 16, 4))),
    *((channels, features, side, 4, 2, 1) for channels, features, side in ((19, 17, 8), (16, 16, 2))),
]
TORCHS = [name for name in WAYS if name != "compiled"]
needs_compiler = pytest.mark.skipif(not native.available(), reason="needs a C compiler")


def given(shape: tuple[int, ...], transposed: bool, dtype: torch.dtype) -> list[Tensor]:
    """Images, kernels and biases, drawn; of one replica alone the first third."""
    channels, features, side, kernel, stride, padding = shape
    small = (side + 2 * padding - kernel) // stride + 1
    random = torch.Generator().manual_seed(0)
    images = (features, small, small) if transposed else (channels, side, side)
    sizes = [(BATCH, *images), (features, channels, kernel, kernel), (channels if transposed else features,)]
    return [torch.randn(REPLICAS, *size, generator=random, dtype=dtype).requires_grad_() for size in sizes]


def plain(x: Tensor, kernel: Tensor, bias: Tensor, stride: int, padding: int, transposed: bool, slope: float) -> Tensor:
    of_one: Callable[..., Tensor] = functional.conv_transpose2d if transposed else functional.conv2d
    made = [of_one(*one, stride=stride, padding=padding) for one in zip(x, kernel, bias, strict=True)]
    return functional.leaky_relu(torch.stack(made), slope)


def found(out: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """The output, its gradients, the same to be differentiated, and the gradients of those."""
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    alone = torch.autograd.grad((out * weights).sum(), inputs, retain_graph=True)
    first = torch.autograd.grad((out * weights).sum(), inputs, create_graph=True)
    second = torch.autograd.grad(sum(g.pow(2).sum() for g in first), inputs, materialize_grads=True)
    return [out, *alone, *first, *second]


@pytest.mark.parametrize("slope", [1.0, 0.2, 0.0])
@pytest.mark.parametrize("transposed", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("way", TORCHS)
def test_every_way_is_torchs(way: str, shape: tuple[int, ...], transposed: bool, slope: float) -> None:
    inputs = given(shape, transposed, torch.float64)
    with by(way):
        ours = found(convolve(*inputs, *shape[4:], transposed, slope), inputs)
    for our, their in zip(ours, found(plain(*inputs, *shape[4:], transposed, slope), inputs), strict=True):
        torch.testing.assert_close(our, their)


@needs_compiler
@pytest.mark.parametrize("slope", [1.0, 0.2, 0.0])
@pytest.mark.parametrize("transposed", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("shape", SHAPES + HALVED, ids=str)
def test_compiled_is_torchs_in_single_precision(shape: tuple[int, ...], transposed: bool, slope: float) -> None:
    inputs = given(shape, transposed, torch.float32)
    with by("compiled"):
        ours = found(convolve(*inputs, *shape[4:], transposed, slope), inputs)
    for our, their in zip(ours, found(plain(*inputs, *shape[4:], transposed, slope), inputs), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-5 * float(their.abs().max()))


@needs_compiler
@pytest.mark.parametrize("transposed", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2), (1, 2)], ids=str)
def test_gradients_are_the_same_whichever_are_wanted(wanted: tuple[int, ...], transposed: bool) -> None:
    inputs = given(HALVED[1], transposed, torch.float32)
    with by("compiled"):
        loss = convolve(*inputs, 2, 1, transposed, 0.2).square().sum()
    every = torch.autograd.grad(loss, inputs, retain_graph=True)
    for place, gradient in zip(wanted, torch.autograd.grad(loss, [inputs[i] for i in wanted]), strict=True):
        assert torch.equal(gradient, every[place])


@pytest.mark.parametrize("way", WAYS)
def test_a_large_image_of_an_odd_side_gets_its_gradient(way: str) -> None:
    """Sides 7 and 8 have the same small side, 3 by a kernel of 3 and stride 2, and no position sees the last row."""
    dtype = torch.float32 if way == "compiled" else torch.float64
    if way == "compiled" and not native.available():
        pytest.skip("needs a C compiler")
    inputs = given((2, 16, 8, 3, 2, 0), False, dtype)
    with by(way):
        gradient, *_ = torch.autograd.grad(convolve(*inputs, 2, 0).sum(), inputs)
    expected, *_ = torch.autograd.grad(plain(*inputs, 2, 0, False, 1.0).sum(), inputs)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)
    assert (gradient[..., -1] == 0).all()


@pytest.mark.parametrize("way", WAYS)
def test_alone_is_in_company(way: str) -> None:
    if way == "compiled" and not native.available():
        pytest.skip("needs a C compiler")
    shape = SHAPES[1]
    inputs = given(shape, False, torch.float32)
    alone = [x[1:2].detach().requires_grad_() for x in inputs]
    with by(way):
        company = convolve(*inputs, *shape[4:], False, 0.2)
        single = convolve(*alone, *shape[4:], False, 0.2)
    exact = way == "compiled"
    torch.testing.assert_close(company[1:2], single, **({"rtol": 0, "atol": 0} if exact else {}))


def test_a_replica_that_is_not_finite_harms_no_other() -> None:
    shape = SHAPES[1]
    inputs = given(shape, False, torch.float32)
    with torch.no_grad():
        inputs[1][0, 0, 0, 0, 0] = torch.nan
        out = convolve(*inputs, *shape[4:])
    assert out[0].isnan().any()
    assert out[1:].isfinite().all()


@pytest.mark.parametrize("way", WAYS)
def test_images_stay_as_they_are_between_layers(way: str) -> None:
    """What one convolution leaves, the next takes without a copy: beside each other, or channels last."""
    if way == "compiled" and not native.available():
        pytest.skip("needs a C compiler")
    inputs = given(SHAPES[1], False, torch.float32)
    with by(way), torch.no_grad():
        out = torch.tanh(convolve(*inputs, *SHAPES[1][4:]))
    beside, last, first = out.transpose(0, 1), out.permute(0, 1, 3, 4, 2), out
    layout = {"grouped": beside, "separate": last, "compiled": last, "unfolded": first}[way]
    assert layout.is_contiguous()


def test_the_rule_takes_the_compiled_way_for_wide_layers_in_single_precision() -> None:
    def rule(part: int, channels: int, features: int, dtype: torch.dtype, transposed: bool = False) -> str:
        x, kernel, _ = given((channels, features, 8, 4, 2, 1), transposed, dtype)
        shapes = ((3, 5, channels, 8, 8), (3, 5, features, 4, 4), tuple(kernel.shape))
        return convolution.best(part, Geometry(shapes, 2, 1), x, kernel)

    wide = "compiled" if native.available() else "separate"
    assert rule(SMALL, 32, 32, torch.float32) == wide
    assert rule(SMALL, 32, 8, torch.float32) == "separate"
    assert rule(KERNEL, 32, 32, torch.float64) == "separate"
    assert rule(LARGE, 1, 32, torch.float64) == "unfolded"
    with by("grouped"):
        assert rule(SMALL, 32, 32, torch.float32) == "grouped"
