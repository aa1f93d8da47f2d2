"""Eigenvalues of the game's Jacobian, which tell whether the present weights are a stable point of training.

The players follow v = (-grad_theta L_g, -grad_psi L_c). Near an equilibrium gradient descent with small steps converges
if every eigenvalue of v's Jacobian J has a negative real part; imaginary parts make it rotate and limit the step
(Mescheder et al. 2017; 2018). Under consensus optimisation v is less the gradient of weight/2 |v|^2, as in training;
clipping, an optimiser's own rescaling, and what SGA, an unrolled critic or look-ahead make of it are not part of v.

No matrix is formed: products with the transpose of J, which has the same eigenvalues, are gradients of <v, w>, at the
price of one backward pass each; scipy's Arnoldi iteration (ARPACK) uses them. All is float64, on a fixed
batch, replica by replica.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.batches import Batch
from trainables.models.players import Players
from trainables.population import StackedParameters

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Product = Callable[[Array], Array]

DENSE = 100  # parameters up to which the matrix is formed nevertheless, being small
LARGEST = 200_000  # parameters of both players together, at most
SAMPLES = 1024  # of the fixed batch, at least, unless a network normalises over it
TOLERANCE = 1e-6  # relative
RESTARTS = 500
FOUND = 4  # eigenvalues asked of each end of the spectrum


@dataclass(frozen=True)
class SpectrumEnds:
    """The eigenvalue with the largest real part (its imaginary part as a size, 0 or more) and the largest modulus; NaN
    where the iteration did not converge or something was not finite."""

    real: float
    imaginary: float
    radius: float


def spectrum(players: Players, batch: Batch, replica: int) -> SpectrumEnds:
    """The ends of one replica's spectrum, for a batch of the whole population."""
    with torch.enable_grad():
        chosen, own = alone(players, batch, replica)
        product, size = jacobian(chosen, own)
        return ends(product, size)


def jacobian(players: Players, batch: Batch) -> tuple[Product, int]:
    """w -> J^T w for one replica's players in float64, and the number of parameters, the generator's first."""
    parameters = [players.generator.leaf, players.critic.leaf]
    field = vector_field(players, batch, parameters)
    size = field.numel()

    def product(w: Array) -> Array:
        direction = torch.as_tensor(np.ascontiguousarray(w, dtype=np.float64), device=field.device).flatten()
        return _gradient((field * direction).sum(), parameters, create=False).cpu().numpy()

    return product, size


def vector_field(players: Players, batch: Batch, parameters: list[Tensor]) -> Tensor:
    """v (P,) of one replica, differentiable with respect to all `parameters`, the generator's and then the critic's."""
    generator, critic = players.generator, players.critic
    critic_loss = players.critic_loss(batch, generator.views, critic.views)  # first, as it moves spectral vectors
    generator_loss = players.generator_loss(batch, generator.views, critic.views)
    gradients = _gradient(generator_loss.sum(), parameters[:1]), _gradient(critic_loss.sum(), parameters[1:])
    field = -torch.cat(gradients)
    if players.consensus is None:
        return field
    return field - players.consensus * _gradient(field.square().sum() / 2, parameters)


def ends(product: Product, size: int) -> SpectrumEnds:
    """The ends of the spectrum of a real matrix, given as its product with a vector, (size,) -> (size,)."""
    if size <= DENSE:
        matrix = np.stack([product(row) for row in np.eye(size)])
        if not np.isfinite(matrix).all():
            return SpectrumEnds(math.nan, math.nan, math.nan)
        values = np.linalg.eigvals(matrix).astype(np.complex128)
        return _of(values, values)
    start = np.random.default_rng(0).standard_normal(size)
    if not np.isfinite(product(start)).all():
        return SpectrumEnds(math.nan, math.nan, math.nan)
    return _of(_largest(product, "LR", start), _largest(product, "LM", start))


def _largest(product: Product, which: Literal["LR", "LM"], start: Array) -> Complex:
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs  # which workers without spectra need not

    operator = LinearOperator((len(start), len(start)), matvec=product, dtype=np.float64)
    try:
        found = eigs(operator, FOUND, which=which, v0=start, tol=TOLERANCE, maxiter=RESTARTS, return_eigenvectors=False)
    except ArpackNoConvergence as error:
        return np.asarray(error.eigenvalues, dtype=np.complex128)
    return np.asarray(found, dtype=np.complex128)


def _of(by_real: Complex, by_modulus: Complex) -> SpectrumEnds:
    if not len(by_real) or not len(by_modulus):
        return SpectrumEnds(math.nan, math.nan, math.nan)
    top = by_real[by_real.real.argmax()]
    return SpectrumEnds(float(top.real), abs(float(top.imag)), float(np.abs(by_modulus).max()))


def _gradient(value: Tensor, parameters: list[Tensor], create: bool = True) -> Tensor:
    if not value.requires_grad:
        return torch.cat([torch.zeros_like(view).flatten() for view in parameters])
    pieces = torch.autograd.grad(
        value, parameters, create_graph=create, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.cat([piece.flatten() for piece in pieces])


def alone(players: Players, batch: Batch, replica: int) -> tuple[Players, Batch]:
    """One replica's players and batch, copied to float64."""
    one = slice(replica, replica + 1)

    def copied(stack: StackedParameters) -> StackedParameters:
        return StackedParameters(stack.network, stack.flat[one].detach().double().clone())

    def picked(vector: Tensor | None) -> Tensor | None:
        return None if vector is None else vector[one].double()

    chosen = replace(
        players,
        generator=copied(players.generator),
        critic=copied(players.critic),
        terms=[term.averaged().of(one) for term in players.terms],
        consensus=picked(players.consensus),
        clip=picked(players.clip),
        spectral=[vector[one].double().clone() for vector in players.spectral],
        noise=picked(players.noise),
        smoothing=picked(players.smoothing),
    )
    own = replace(
        batch,
        indices=batch.indices[one],
        latents=batch.latents[one].double(),
        requested=None if batch.requested is None else batch.requested[one],
        uniform=batch.uniform[one].double(),
        normal=batch.normal[one].double(),
    )
    own.real = own.real.double()
    return chosen, own
