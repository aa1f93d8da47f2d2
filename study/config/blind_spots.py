"""What a metric does not see of the samples, so that a search by it may choose worse ones.

Three things are asked of samples: how good they are, how much of the data they cover, and how they are shared out
between modes. A metric that does not see one of them is as good where it has gone wrong, up to sampling noise; the
tests hold every row to that on the ring. Signals of training see none of the three.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from analysis.record.schema import TRAINING
from analysis.wording import listed

GOOD = "sample quality"
COVERED = "coverage of the data"
SHARED = "the balance between modes"
ASKED = (GOOD, COVERED, SHARED)

UNSEEN: Mapping[str, tuple[str, ...]] = {
    "high_quality": (COVERED, SHARED),
    "precision": (COVERED, SHARED),
    "density": (COVERED, SHARED),
    "recall": (GOOD, SHARED),
    "modes": (GOOD, SHARED),
    "modes_held": (GOOD, SHARED),
    "modes_covered": (GOOD, SHARED),
    "reverse_kl": (GOOD,),
    "mode_js": (GOOD,),
    "label_fidelity": (GOOD,),
    "inception_score": (COVERED, SHARED),  # of modes within a class, and of what ImageNet has no class for
}
# In raw features, unless the data are known to be a single Gaussian. Distances over the whole of the data hardly change
# with what is small beside it, as modes are.
UNSEEN_IN_RAW: Mapping[str, tuple[str, ...]] = {
    **UNSEEN,
    "fid": ASKED,
    "fid_infinity": ASKED,
    "kid": ASKED,
    "mmd": (GOOD,),
    "sliced_wasserstein": (GOOD,),
}
WHY = {
    "fid": "only mean and covariance",
    "fid_infinity": "only mean and covariance",
    "kid": "only moments up to the third",
}  # seen in raw features
_TRAINING = frozenset(column.name for column in TRAINING)


def unseen(metric: str, raw: bool) -> tuple[str, ...]:
    """What of `ASKED` a metric does not see; `raw`: features are the data themselves, and these no single Gaussian."""
    return ASKED if metric in _TRAINING else (UNSEEN_IN_RAW if raw else UNSEEN).get(metric, ())


def blind_spots(metrics: Sequence[str], measured: Collection[str], *, raw: bool, modes: bool, better: str) -> str:
    """A sentence on what none of the searched `metrics` sees though something `measured` does; "" if there is nothing.

    `modes`: there are modes or classes to be shared out between; `better`: what to search for instead.
    """
    missed = [
        one
        for one in ASKED
        if all(one in unseen(metric, raw) for metric in metrics)
        and any(one not in unseen(name, raw) for name in measured)
        and (modes or one != SHARED)
    ]
    if not missed:
        return ""
    seen = [f"{name} sees {WHY[name]}" for name in metrics if raw and name in WHY]
    why = f" (in raw features {listed(seen)})" if seen else ""
    return f"search.metric: {listed(metrics)} {_unseen(missed, len(metrics) > 1)}{why}; {better} {_seen(len(missed))}"


def _unseen(missed: Sequence[str], several: bool) -> str:
    if len(missed) == 1:
        return f"{'do' if several else 'does'} not see {missed[0]}"
    comma = "," if len(missed) > 2 else ""
    return f"{'see' if several else 'sees'} neither {f'{comma} nor '.join(missed)}"


def _seen(count: int) -> str:
    return ("does", "sees both", "sees all three")[count - 1]
