"""What is measured: adversarial objectives, populations of replicas, metrics and known answers.

The names below are what a notebook or a script starts from, without Ray and without a study; docs/library.md shows each
at work. They are imported when first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainables.data import DataSet, from_arrays
    from trainables.data import load as load_data
    from trainables.kept import load_generator
    from trainables.metrics.classifier import Classifier, train_classifier
    from trainables.metrics.evaluator import Evaluator
    from trainables.metrics.one_set import evaluate
    from trainables.objectives import OBJECTIVES, Objective, dirac
    from trainables.objectives.induced import Explanation, explain
    from trainables.spec import Spec
    from trainables.training import Evaluation, Training

_PLACES = {
    "Spec": "spec:Spec",
    "Training": "training:Training",
    "Evaluation": "training:Evaluation",
    "DataSet": "data:DataSet",
    "load_data": "data:load",
    "from_arrays": "data:from_arrays",
    "load_generator": "kept:load_generator",
    "evaluate": "metrics.one_set:evaluate",
    "Evaluator": "metrics.evaluator:Evaluator",
    "Classifier": "metrics.classifier:Classifier",
    "train_classifier": "metrics.classifier:train_classifier",
    "OBJECTIVES": "objectives:OBJECTIVES",
    "Objective": "objectives:Objective",
    "explain": "objectives.induced:explain",
    "Explanation": "objectives.induced:Explanation",
    "dirac": "objectives.dirac:",
}

__all__ = [
    "OBJECTIVES", "Classifier", "DataSet", "Evaluation", "Evaluator", "Explanation", "Objective", "Spec", "Training",
    "dirac", "evaluate", "explain", "from_arrays", "load_data", "load_generator",
    "train_classifier",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A name of `__all__` on first use: a part of `trainables` can be imported without the rest."""
    if name not in _PLACES:
        raise AttributeError(f"module 'trainables' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = importlib.import_module(f"trainables.{module}")
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
