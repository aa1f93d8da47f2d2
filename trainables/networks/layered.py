"""A network made of our own layers, one after the other, and the two ways it is told a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables import precision
from trainables.native import DenseLayers
from trainables.networks.layers import DrawnWeight, LayerBuilder, Layers, run
from trainables.networks.network import Network, flattened

Join = Callable[[Tensor, Tensor], Tensor]  # joins one-hot labels (R, B, K) to inputs


@dataclass(frozen=True)
class LayeredNetwork(Network):
    """Layers in order. `join` tells the label with the input; `projection` is the index of the class embedding whose
    inner product with the last hidden layer a projection critic adds (Miyato & Koyama 2018), the last weight."""

    weights: tuple[DrawnWeight, ...] = ()
    layers: Layers = ()
    classes: int = 0
    join: Join | None = None
    projection: int | None = None
    normalises: bool = False
    dense: DenseLayers | None = None

    @classmethod
    def built(
        cls,
        builder: LayerBuilder,
        classes: int,
        join: Join | None = None,
        projection: int | None = None,
        dense: DenseLayers | None = None,
    ) -> LayeredNetwork:
        """The network of a builder's weights and layers."""
        normalises = builder.values["batch_norm"]
        return cls(tuple(builder.weights), tuple(builder.layers), classes, join, projection, normalises, dense)

    @property
    def operations(self) -> float:
        """Two for each number of a matrix or kernel, each time that it is put to use."""
        return 2.0 * sum(self.weights[i].size * self.weights[i].uses for i in self.matrices)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Each weight by its own rule, in order."""
        return torch.cat([weight.draw(generator) for weight in self.weights])

    def __call__(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor:
        return self._through(weights, self._joined(precision.rounded(x), labels), labels).to(x.dtype)

    def _through(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None) -> Tensor:
        if self.projection is None or labels is None:
            return run(self.layers, weights, x)
        hidden = run(self.layers[:-1], weights, x)
        embedding = weights[self.projection]
        chosen = embedding.gather(1, labels[..., None].expand(*labels.shape, embedding.shape[-1]))
        taken, last = self.layers[-1]
        return last(weights[self.projection - taken : self.projection], hidden) + (hidden * chosen).sum(-1)

    def input_gradient(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor | None:
        if self.dense is None or x.requires_grad:
            return None
        slopes = self.dense.input_gradient(flattened(weights), self._joined(x, labels).flatten(2))
        return None if slopes is None else slopes[..., : x[0, 0].numel()].reshape(x.shape)

    def _joined(self, x: Tensor, labels: Tensor | None) -> Tensor:
        if self.join is None or labels is None:
            return x
        each = torch.arange(self.classes, device=labels.device)
        return self.join(x, (labels[..., None] == each).to(x.dtype))  # torch's one_hot waits for the device
