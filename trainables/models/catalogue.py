"""The table of models, and which columns training each of them will bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainables.data import Description
from trainables.metrics.columns import Circumstances, columns
from trainables.models.dirac_map import DiracMap
from trainables.models.gan import GAN
from trainables.models.moment_matching import MomentMatching
from trainables.models.oracle import Oracle
from trainables.models.vae import VAE

MODELS: Mapping[str, type[GAN | MomentMatching | VAE | Oracle | DiracMap]] = {
    "gan": GAN,
    "cgan": GAN,
    "matching": MomentMatching,
    "vae": VAE,
    "oracle": Oracle,
    "dirac": DiracMap,
}


def measured_columns(model: str, data: Description, measure: Sequence[str] = ()) -> tuple[str, ...]:
    """The measurements that every evaluation of a model brings, given a classifier for labelled images.

    Without those that `divergences` and `jacobian` add to a model's own, which depend on the game and on the step.
    """
    kind = MODELS[model]
    if not kind.sampled:
        return (*kind.reports, *kind.measured)
    labelled = data.classes > 0
    given = Circumstances(data.shape, not data.images, data.images and labelled, labelled and model == "cgan", measure)
    return (*kind.reports, "parameter_norm_generator", *kind.measured, *columns(given))
