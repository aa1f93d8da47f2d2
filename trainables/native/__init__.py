"""Dense layers, games between them, convolutions, batch normalisation, Adam and neighbours in C, where a compiler is
there: start with `dense`, and `game`, which takes a batch to a gradient in one call.

Half of a small network's step in torch is not arithmetic: it is calls, passes over memory, and products of matrices
that are too thin for a library's. `kernels.c` does the same with a replica's numbers in the cache. Everything here has
an equivalent in torch, which is used where there is no compiler, on other devices and in other precisions; results
agree to float tolerance. Imports nothing of ours.
"""

from trainables.native.adam import adam_update, check_gradients
from trainables.native.convolution import convolution_gradients, convolve, wide
from trainables.native.dense import DenseLayers
from trainables.native.formulas import Formula, formula
from trainables.native.game import DenseGame
from trainables.native.layout import flatten, unflatten
from trainables.native.library import available, disabled, usable
from trainables.native.neighbours import Balls, balls, few_dimensions, held
from trainables.native.normalization import EPSILON, normalise

__all__ = [
    "EPSILON",
    "Balls",
    "DenseGame",
    "DenseLayers",
    "Formula",
    "adam_update",
    "available",
    "balls",
    "check_gradients",
    "convolution_gradients",
    "convolve",
    "disabled",
    "few_dimensions",
    "flatten",
    "formula",
    "held",
    "normalise",
    "unflatten",
    "usable",
    "wide",
]
