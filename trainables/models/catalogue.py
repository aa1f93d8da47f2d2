"""The table of models, and the columns that each one measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainables.data import Description
from trainables.metrics.columns import BACK, DataTraits, columns
from trainables.metrics.feature_spaces import Setting
from trainables.models.cyclegan import CycleGAN
from trainables.models.dirac_map import DiracMap
from trainables.models.gan import GAN
from trainables.models.moment_matching import MomentMatching
from trainables.models.oracle import Oracle
from trainables.models.vae import VAE

MODELS: Mapping[str, type[GAN | MomentMatching | VAE | Oracle | DiracMap]] = {
    "gan": GAN,
    "cgan": GAN,
    "cyclegan": CycleGAN,
    "matching": MomentMatching,
    "vae": VAE,
    "oracle": Oracle,
    "dirac": DiracMap,
}


def measured_columns(
    model: str, data: Description, measure: Sequence[str] = (), features: Setting = "raw"
) -> tuple[str, ...]:
    """The columns of every evaluation of a model in a feature space, assuming a classifier for labelled images.

    Those that `divergences` and `jacobian` add to a model's own are not listed: they depend on the game and the step.
    """
    kind = MODELS[model]
    if not kind.sampled:
        return (*kind.reports, *kind.measured)
    labelled = data.classes > 0
    traits = DataTraits(
        shape=data.shape,
        mixture=data.mixture,
        classifier=data.images and labelled,
        requested=labelled and model in ("cgan", "cyclegan"),
        measure=measure,
        class_means=labelled and not data.images and not data.mixture,
        inception=features == "inception",
    )
    of_samples = columns(traits)
    back = [BACK[name] for name in of_samples if name in BACK] if model == "cyclegan" else []
    return (*kind.reports, "parameter_norm_generator", *kind.measured, *of_samples, *back)
