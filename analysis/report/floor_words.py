"""What is said of the floor: of how many real points it is, and what follows where a generator is measured by more.

Data that are no mixture have no more fresh points than are held out. A Fréchet distance, and whatever else falls with
the number of samples, is then higher for them than it would be for as many as a generator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.results.criteria import thresholds_of
from analysis.wording import counted, listed, of_fewer_points, whole

About = Mapping[str, Any]


def dotted(about: About) -> str:
    """What a dotted line is, where figures draw the floor, a sentence."""
    studies = studies_of(about)
    if all(stated(one, "floor_samples") is None for one in studies):  # a record of before it was kept
        return "Dotted: the score of as many fresh real samples, or of all that are held out where these are fewer."
    fewer = _fewer(about)
    if not fewer:
        return "Dotted: the score of as many fresh real samples."
    held, samples = next(iter(fewer.values()))
    return (
        f"Dotted: the score of the {counted(held, 'real point')} held out; as many as the {whole(samples)} samples of a"
        " generator would have a smaller Fréchet distance."
    )


def of_fewer(about: About) -> list[str]:
    """The caveat where the floor is of fewer points than a generator's samples, if it is."""
    fewer, several = _fewer(about), len(studies_of(about)) > 1
    if not fewer:
        return []
    name = " of {}" if several else ""
    held = listed([f"the {counted(held, 'point')} held out{name.format(study)}" for study, (held, _) in fewer.items()])
    drawn = listed([*dict.fromkeys(whole(samples) for _, samples in fewer.values())])
    asked = any(str(one.get("study", "?")) in fewer and not _raw(one) for one in studies_of(about))
    words = of_fewer_points(held, f"{drawn} samples", thresholds_of(about).factor if asked else None)
    return [f"{words[0].upper()}{words[1:]}."]


def _raw(about: About) -> bool:
    """Whether a study's Fréchet distance is in the data themselves, where it is not asked whether samples are near."""
    return bool(stated(about, "config.evaluation.features", "raw") == "raw")


def _fewer(about: About) -> dict[str, tuple[int, int]]:
    """By study how many points the floor is of, and how many samples a generator's scores, where these are more."""
    known = {
        str(one.get("study", "?")): (stated(one, "floor_samples"), stated(one, "config.evaluation.samples"))
        for one in studies_of(about)
        if stated(one, "floor", {})
    }
    return {study: (held, drawn) for study, (held, drawn) in known.items() if held and drawn and held < drawn}
