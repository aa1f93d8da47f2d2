"""`python -m docs.build_names`: the tables of docs/names.md, the names that a configuration may choose."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from inspect import get_annotations
from pathlib import Path
from typing import Any

from analysis.record.schema import HIGHER, QUALITY, TRAINING, Column
from analysis.wording import OUTCOME_MEANINGS
from docs.meanings import about, anchored, code, filled, keys, listed, meanings, sentence, table, write
from study.config.measured import SEARCHABLE
from trainables.data import DATASETS, describe
from trainables.data.source import Axis, Source
from trainables.metrics.columns import GROUPS, DataTraits, columns
from trainables.metrics.feature_spaces import FEATURES
from trainables.models.catalogue import measured_columns
from trainables.networks import architecture
from trainables.objectives import OBJECTIVES
from trainables.penalties import PENALTIES
from trainables.spec import HYPERPARAMETERS, MEANINGLESS, MODELS

PAGE = Path(__file__).parents[1] / "docs" / "names.md"
POINTS = DataTraits((2,), mixture=False, classifier=False, requested=False)
SITUATIONS: Mapping[str, DataTraits] = {  # the first in which a measurement is made says when it is
    "always": POINTS,
    "one dimension": DataTraits((1,), False, False, False),
    "classes told": DataTraits((2,), False, True, False),
    "mixtures": DataTraits((2,), True, False, False),
    "`cgan` and `cyclegan`": DataTraits((2,), False, False, True),
    "`cgan` and `cyclegan`, classes told": DataTraits((2,), False, True, True),
    "features `inception`": DataTraits((2,), False, False, False, inception=True),
    **{f"measure `{group}`": DataTraits((2,), False, False, False, (group,)) for group in GROUPS},
    **{f"measure `{group}`, mixtures": DataTraits((2,), True, False, False, (group,)) for group in GROUPS},
}
REQUIRED: Mapping[str, Mapping[str, Any]] = {  # examples of settings without a default, and of what goes with them
    "mixture": {"means": [-1.0, 2.0], "variances": [0.1, 1.0]},
    "images": {"root": "pictures"},
    "arrays": {"path": "points.npz", "samples": "x"},
}
COMMON = ("points", "heldout", "seed", "class_weights")
DIRAC = ("fixed: {model: dirac}", "search: {metric: dirac_converged, mode: max}")  # what alone is on this data
OF_GAMES = {  # what models add to a group themselves
    "divergences": ("critic_bound", "induced_divergence", "bound_gap", "ratio_error"),
    "jacobian": ("jacobian_real", "jacobian_imaginary", "jacobian_radius"),
}


def page() -> str:
    """The page with its tables filled; the rest of it is written by hand."""
    return filled(
        PAGE.read_text(encoding="utf-8"),
        {
            "data sets": _data_sets(),
            "settings of data sets": [line for name, kind in DATASETS.items() for line in _settings(name, kind)],
            "models": _models(),
            "objectives": table(
                "name", "what the critic estimates", "parameters", "source",
                rows=[(anchored("objective", row.name), row.induces.replace("||", "‖"), _with_defaults(row.parameters),
                       row.source) for row in OBJECTIVES.values()],
            ),
            "penalties": table(
                "name", "settings", "bounds the slope", "what it charges or does",
                rows=[(anchored("penalty", row.name), _with_defaults(row.settings), "yes" if row.bounds_slope else "",
                       f"{row.charges} ({row.source})" if row.source else row.charges) for row in PENALTIES.values()],
            ),
            "networks": _networks(),
            "measurements": _measurements(QUALITY),
            "signals": _measurements(TRAINING),
            "groups": table("name", "what it is", "columns it adds", rows=[
                (anchored("group", k), sentence(v), listed(_of_group(k), "and")) for k, v in GROUPS.items()
            ]),
            "features": table("name", "what they are", rows=[
                (anchored("features", k), sentence(v)) for k, v in FEATURES.items()
            ]),
            "outcomes": table("name", "what became of it", rows=[
                (anchored("outcome", k), v) for k, v in OUTCOME_MEANINGS.items()
            ]),
        },
    )  # fmt: skip


def _with_defaults(settings: Mapping[str, float | None]) -> str:
    return ", ".join(
        f"`{name}`, required" if value is None else f"`{name}: {value:g}`" for name, value in settings.items()
    )


def _data_sets() -> list[str]:
    rows = []
    for name, kind in DATASETS.items():
        try:
            known = describe(name)
            shape, classes = "×".join(map(str, known.shape)), str(known.classes or "")
        except ValueError:  # it depends on a setting without a default
            shape, classes = "any", "any"
        first = re.split(r"(?<!al)\. ", about(kind), maxsplit=1)[0]
        rows.append((f"[`{name}`](#{name})", shape, classes, first.rstrip(".") + "."))
    return table("name", "a point's shape", "modes or classes", "what it is", rows=rows)


def _settings(name: str, kind: type[Source]) -> list[str]:
    head = [f"### {name}", "", about(kind), ""]
    every = {field.name: field for field in fields(kind)}
    own_first = dict.fromkeys(key for one in kind.__mro__ for key in get_annotations(one) if key in every)
    declared = {key: every[key] for key in own_first}
    accepted = {key: str(field.metadata["accepts"]) for key, field in declared.items()}
    defaults = {key: "required" if f.default is MISSING else code(_settled(f.default)) for key, f in declared.items()}
    return [
        *head,
        *keys(f"{name}.", accepted, defaults, meanings(kind)),
        "```yaml",
        *_example(name, declared),
        "```",
        "",
    ]


def _example(name: str, declared: Mapping[str, Field[Any]]) -> list[str]:
    """A piece of a configuration, with the defaults that are not null of settings that not all sets have."""
    own = [key for key in declared if key not in COMMON or key in get_annotations(DATASETS[name])]
    defaults = {key: _settled(declared[key].default) for key in own if declared[key].default is not MISSING}
    given = {key: value for key, value in defaults.items() if value not in (None, ())}
    data = code({"name": name, **REQUIRED.get(name, {}), **given}).strip("`")
    return [f"data: {data}", *(DIRAC if name == "dirac" else ())]


def _settled(default: object) -> object:
    """An axis as a mapping."""
    return vars(default) if isinstance(default, Axis) else default


def _models() -> list[str]:
    def ignores(name: str) -> str:
        without = MEANINGLESS.get(name, ())
        rest = [key for key in HYPERPARAMETERS if key not in without and key != "model"]
        if len(without) > len(rest):
            return f"all but {listed(rest, 'and')}" if rest else "all"
        return listed(without, "and") if without else ""

    rows = [(anchored("model", name), sentence(said), ignores(name)) for name, said in MODELS.items()]
    return table("name", "what it is", "hyperparameters without meaning", rows=rows)


def _networks() -> list[str]:
    rows = []
    for kind in architecture.KINDS["generator"]:
        own = architecture.OF_KIND.get(kind)
        shared = {"batch_norm": False, "weight_std": None, "init": None}
        settings = {} if own is None else {**own, "activation": "relu", **shared}
        of = "generator" if kind not in architecture.KINDS["critic"] else "generator and critic"
        rows.append(
            (anchored("network", kind), of, ", ".join(code({key: value}, "") for key, value in settings.items()))
        )
    return table("kind", "of", "settings and defaults", rows=rows)


def _measurements(rows: Iterable[Column]) -> list[str]:
    def better(name: str) -> str:
        of_samples = any(name == column.name for column in QUALITY)  # of the others less need not be better
        return "more" if name in HIGHER else "less" if of_samples and name in SEARCHABLE else ""

    return table(
        "name", "unit", "better", "measured", "what it is",
        rows=[(anchored("measurement", c.name), c.unit, better(c.name), _when(c.name), c.meaning) for c in rows],
    )  # fmt: skip


def _when(name: str) -> str:
    for when, traits in SITUATIONS.items():
        if name in columns(traits):
            return when
    for group, names in OF_GAMES.items():
        if name in names:
            return f"measure `{group}`"
    return f"models {listed(models, 'and')}" if (models := _reporting(name)) else ""


def _reporting(name: str) -> list[str]:
    on = {model: describe("dirac" if model == "dirac" else "ring") for model in MODELS}
    return [model for model in MODELS if name in measured_columns(model, on[model])]


def _of_group(group: str) -> list[str]:
    """The columns that a group adds, to points or to a mixture."""
    with_it = {*columns(DataTraits((2,), True, False, False, (group,)))}
    known = [column.name for column in (*QUALITY, *TRAINING)]
    added = (with_it - {*columns(DataTraits((2,), True, False, False))}) | {*OF_GAMES.get(group, ())}
    return [name for name in known if name in added]


if __name__ == "__main__":
    sys.exit(write(PAGE, page()))
