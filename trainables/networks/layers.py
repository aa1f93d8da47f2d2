"""Our own layers, of a whole population: dense ones, convolutions, and what lies between.

A layer maps its own weights, stacked (R, *shape), and activations (R, B, ...) to activations; replica i uses weights i
only. Batch normalisation always uses the statistics of the batch at hand, so that no layer carries hidden state.
It takes off whatever is added to all samples alike. A bias before it is kept and not read: added, it would have a
gradient of rounding errors, which optimisers that divide by its size make steps of.
A layer computes in the type of its activations, to which it rounds its weights; batch normalisation in theirs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables import native
from trainables.native import DenseLayers
from trainables.networks.convolution import convolve
from trainables.networks.network import FlatWeights, Weight, flattened

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "tanh": torch.tanh,
}


THIN = 1  # outputs of a layer that costs a third as multiplication and sum, and not as a product of matrices
SLOPES = {"relu": 0.0, "leaky_relu": 0.2}  # below 0, of the piecewise linear ones


@dataclass(frozen=True)
class DrawnWeight(Weight):
    """A weight and how it is drawn.

    `bound` > 0: uniform in [-bound, bound]; `std` > 0: normal; `gain` > 0: that times a matrix of orthonormal rows or
    columns, all axes but the first flattened (Saxe et al. 2014); otherwise the constant `fill`. `uses` is how often a
    sample's forward pass puts it to use: a kernel of a convolution at every position.
    """

    bound: float = 0.0
    std: float = 0.0
    fill: float = 0.0
    gain: float = 0.0
    uses: int = 1

    def draw(self, generator: torch.Generator) -> Tensor:
        """Fresh values, flat, on the generator's device."""
        if self.std > 0:
            return torch.randn(self.size, generator=generator, device=generator.device) * self.std
        if self.bound > 0:
            return (torch.rand(self.size, generator=generator, device=generator.device) * 2 - 1) * self.bound
        if self.gain > 0:
            matrix = torch.empty(self.shape, device=generator.device)
            return nn.init.orthogonal_(matrix, self.gain, generator).flatten()
        return torch.full((self.size,), self.fill, device=generator.device)


# A layer takes its own stacked weights and the activations.
Layer = Callable[[Sequence[Tensor], Tensor], Tensor]
Layers = Sequence[tuple[int, Layer]]  # in order, each with the number of weights it takes


def run(layers: Layers, weights: Sequence[Tensor], x: Tensor) -> Tensor:
    """Apply layers one after the other; each takes the next of the weights."""
    start = 0
    for taken, layer in layers:
        x = layer(weights[start : start + taken], x)
        start += taken
    return x


class LayerBuilder:
    """Collects weights and layers in the order of evaluation; `values` are a network's checked settings.

    Weights are named by their layer's kind and its number among those of its kind: `dense0.weight`, `norm1.bias`.
    """

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self.values = values
        self._prefix = prefix
        self.weights: list[DrawnWeight] = []
        self.layers: list[tuple[int, Layer]] = []
        self._named: Counter[str] = Counter()

    def add(self, taken: int, layer: Layer) -> None:
        """Append a layer that takes the next `taken` weights."""
        self.layers.append((taken, layer))

    def _names(self, kind: str) -> tuple[str, str]:
        """Names for the weight and bias of the next layer of a kind."""
        name = f"{self._prefix}{kind}{self._named[kind]}"
        self._named[kind] += 1
        return f"{name}.weight", f"{name}.bias"

    def _affine(self, kind: str, shape: tuple[int, ...], outputs: int, fan_in: int, uses: int = 1) -> None:
        """A weight and its bias: torch's own initialisation; or with zero bias normal, of standard deviation
        `weight_std` or gain/√fan_in, or orthogonal."""
        weight, bias = self._names(kind)
        bound = 1 / math.sqrt(fan_in)
        rule, of_bias = {"bound": bound}, bound
        if self.values["weight_std"] is not None:
            rule, of_bias = {"std": self.values["weight_std"]}, 0.0
        elif "init" in self.values:
            gain, of_bias = self.values["gain"], 0.0
            rule = {"gain": gain} if self.values["init"] == "orthogonal" else {"std": gain * bound}
        drawn = DrawnWeight(weight, shape, **rule, uses=uses)
        self.weights += [drawn, DrawnWeight(bias, (outputs,), bound=of_bias)]

    def dense(
        self, inputs: int, outputs: int, after: Callable[[Tensor], Tensor] = lambda x: x, biased: bool = True
    ) -> None:
        """Append a dense layer, and a function of its outputs; `biased` False: without its bias."""
        if outputs <= THIN and biased:
            layers = self._chain((inputs, outputs))
            self.add(2, lambda weights, x: after(layers(flattened(weights), x)))
        else:
            self._affine("dense", (inputs, outputs), outputs, inputs)
            self.add(2, lambda w, x: after(_dense(w[0], w[1] if biased else None, x)))

    def perceptron(self, inputs: int, widths: Sequence[int], outputs: int) -> DenseLayers | None:
        """Append hidden dense layers, each with its activation, and a last one without; what they are if the activation
        is piecewise linear and nothing is normalised, so that `trainables.native` knows them."""
        activation = self.values["activation"]
        if activation not in SLOPES or self.values["batch_norm"]:
            self.dense(self.hidden(inputs, widths), outputs)
            return None
        layers = self._chain((inputs, *widths, outputs), activation)
        self.add(2 * layers.layers, lambda weights, x: layers(flattened(weights), x))
        return layers

    def _chain(self, widths: Sequence[int], activation: str = "relu") -> DenseLayers:
        """Dense layers with an activation between them, whose weights are added."""
        for i, o in pairwise(widths):
            self._affine("dense", (i, o), o, i)
        declared = tuple(self.weights[-2 * len(widths) + 2 :])
        plain = partial(_perceptron, ACTIVATIONS[activation], declared)
        return DenseLayers(tuple(widths), SLOPES[activation], plain)

    def hidden(self, inputs: int, widths: Sequence[int]) -> int:
        """Append hidden layers, each with its activation; the width of the last."""
        for width in widths:
            self.dense(inputs, width * self.pieces, biased=not self.values["batch_norm"])
            self.nonlinear(width)
            inputs = width
        return inputs

    @property
    def pieces(self) -> int:
        """Linear pieces of a maxout unit, whose output is their maximum; 1 for other activations."""
        return int(self.values["pieces"]) if self.values["activation"] == "maxout" else 1

    def nonlinear(self, width: int, normalise: bool | None = None) -> None:
        """Batch normalisation where asked, then the activation."""
        if self.values["batch_norm"] if normalise is None else normalise:
            features = width * self.pieces
            gain, shift = self._names("norm")
            self.weights += [DrawnWeight(gain, (features,), fill=1.0), DrawnWeight(shift, (features,))]
            slope = SLOPES.get(self.values["activation"], 1.0)
            self.add(2, partial(_normalised, slope))
            if slope != 1:
                return
        if self.values["activation"] == "maxout":
            pieces = self.pieces
            self.add(0, lambda _, x: x.unflatten(2, (-1, pieces)).amax(3))
        else:
            activation = ACTIVATIONS[self.values["activation"]]
            self.add(0, lambda _, x: activation(x))

    def convolution(
        self, inputs: int, outputs: int, up: bool, small: int, slope: float = 1.0, biased: bool = True
    ) -> None:
        """A 4x4 convolution that doubles (`up`) or halves the side; `small` is the smaller one. What is below 0 is
        multiplied by `slope`. `biased` False: without its bias."""
        shape = (inputs, outputs, 4, 4) if up else (outputs, inputs, 4, 4)
        fan_in = 16 * shape[1]  # torch counts axis 1 as the fan-in of both kinds
        self._affine("conv", shape, outputs, fan_in, small * small)
        self.add(2, _convolution(2, 1, biased, up, slope))

    def convolved(self, inputs: int, width: int, up: bool, small: int, normalise: bool) -> None:
        """Such a convolution, batch normalisation where asked, and the activation."""
        slope = SLOPES.get(self.values["activation"])
        if slope is not None and not normalise:
            self.convolution(inputs, width, up, small, slope)
            return
        self.convolution(inputs, width * self.pieces, up, small, biased=not normalise)
        self.nonlinear(width, normalise)

    def same(self, inputs: int, outputs: int, kernel: int, side: int, kind: str = "conv", biased: bool = True) -> None:
        """A convolution of an odd kernel that keeps the side; `biased` False: without its bias."""
        self._affine(kind, (outputs, inputs, kernel, kernel), outputs, kernel * kernel * inputs, side * side)
        self.add(2, _convolution(1, kernel // 2, biased))

    def part(self, name: str) -> LayerBuilder:
        """A builder of a part, whose weights' names begin with the part's."""
        return LayerBuilder(self.values, f"{self._prefix}{name}.")

    def added(self, parts: Sequence[LayerBuilder]) -> None:
        """Append parts side by side, of which the outputs are added."""
        taken = [len(part.weights) for part in parts]

        def layer(weights: Sequence[Tensor], x: Tensor) -> Tensor:
            places = zip(parts, accumulate(taken, initial=0), taken, strict=False)
            made = [run(part.layers, weights[start : start + count], x) for part, start, count in places]
            return reduce(torch.add, made)

        self.weights += [weight for part in parts for weight in part.weights]
        self.add(sum(taken), layer)


def _perceptron(activation: Callable[[Tensor], Tensor], declared: Sequence[Weight], flat: Tensor, x: Tensor) -> Tensor:
    """Dense layers by torch, with the activation after each but the last."""
    weights = FlatWeights(declared, flat)
    for matrix, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = activation(_dense(matrix, bias, x))
    matrix, bias = weights[-2], weights[-1]
    if matrix.shape[2] <= THIN and x.dtype == matrix.dtype:
        return torch.sum(x * matrix.mT, 2, keepdim=True) + bias[:, None]
    return _dense(matrix, bias, x)


def _dense(matrix: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    if bias is None:
        return torch.bmm(x, matrix.to(x.dtype))
    return torch.baddbmm(bias.to(x.dtype)[:, None], x, matrix.to(x.dtype))


def _normalised(slope: float, weights: Sequence[Tensor], x: Tensor) -> Tensor:
    gain, shift = weights
    return native.normalise(x.to(gain.dtype), gain, shift, slope, partial(_batch_norm, slope)).to(x.dtype)


def _batch_norm(slope: float, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    axes = (1, *range(3, x.dim()))
    shape = (x.shape[0], 1, -1, *([1] * (x.dim() - 3)))
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    y = (x - mean) * (variance + native.EPSILON).rsqrt() * gain.view(shape) + shift.view(shape)
    return y if slope == 1 else functional.leaky_relu(y, slope)


def _convolution(stride: int, padding: int, biased: bool = True, transposed: bool = False, slope: float = 1.0) -> Layer:
    def layer(weights: Sequence[Tensor], x: Tensor) -> Tensor:
        kernel, bias = weights
        return convolve(x, kernel.to(x.dtype), bias.to(x.dtype) if biased else None, stride, padding, transposed, slope)

    return layer
