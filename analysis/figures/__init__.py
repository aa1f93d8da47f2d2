"""Figures: each draws result objects of `analysis`, computes nothing, and returns a `matplotlib.figure.Figure`.

`analysis.figures.style.save` writes one as PDF and SVG. Start reading at `quality.quality_strips`, a short one.
"""

from analysis.figures.average_ranks import average_ranks
from analysis.figures.budget import best_of_k, profiles, selection_bias
from analysis.figures.critic_bound import bound_curves, bound_errors
from analysis.figures.density import density_pictures
from analysis.figures.dirac import dirac_maps
from analysis.figures.explanation import explanation
from analysis.figures.incidence import incidence_curves
from analysis.figures.jacobian import spectra
from analysis.figures.learning import learning_curves
from analysis.figures.outcomes import outcome_bars
from analysis.figures.pairwise import pairwise_matrix
from analysis.figures.quality import quality_strips
from analysis.figures.replica import replica_card, typical_curves
from analysis.figures.samples import mode_shares, samples_over_time
from analysis.figures.sensitivity import dependence, importances
from analysis.figures.survival import survival_curves

__all__ = [
    "average_ranks",
    "best_of_k",
    "bound_curves",
    "bound_errors",
    "density_pictures",
    "dependence",
    "dirac_maps",
    "explanation",
    "importances",
    "incidence_curves",
    "learning_curves",
    "mode_shares",
    "outcome_bars",
    "pairwise_matrix",
    "profiles",
    "quality_strips",
    "replica_card",
    "samples_over_time",
    "selection_bias",
    "spectra",
    "survival_curves",
    "typical_curves",
]
