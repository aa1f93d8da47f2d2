"""What was found, as a page: goals, costs, curves that should agree, where the time goes, and what was left out."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from benchmarks.comparison import markdown
from benchmarks.gpu.profile import Profile

AT = 64  # replicas of the goals
NOT_SHOWN = "no card has shown this yet"


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a replica's step at one size, precision and number of replicas; None where it was not measured.

    `mebibytes` are a replica's share: on a card of all the memory that is held for the population, with its graphs and
    workspaces, on a processor of the state alone.
    """

    size: str
    precision: str
    replicas: int
    ours: float
    loop: float | None = None
    graphed: float | None = None
    jax: float | None = None
    mebibytes: float | None = None


@dataclass(frozen=True)
class Goal:
    """At least `asked` times as fast as a peer, a field of `Cost`, at sizes whose names begin so."""

    size: str
    precision: str
    peer: str
    asked: float

    def reached(self, costs: Sequence[Cost]) -> float | None:
        """The least ratio among the costs that it is about; None where there are none."""
        mine = [c for c in costs if c.size.startswith(self.size) and (c.precision, c.replicas) == (self.precision, AT)]
        found = [ratio(cost, self.peer) for cost in mine]
        return min((one for one in found if one is not None), default=None)


PEERS = {"loop": "a plain loop", "graphed": "the loop under CUDA graphs", "jax": "JAX, vmap and scan"}
GOALS = (
    Goal("MLP", "fp32", "loop", 40),
    Goal("MLP", "fp32", "graphed", 20),
    Goal("MLP", "fp32", "jax", 1),
    Goal("DCGAN 28×28", "fp32", "loop", 15),
    Goal("DCGAN 32×32", "fp32", "loop", 2),
    Goal("DCGAN 32×32", "tf32", "loop", 6),
)


@dataclass
class Findings:
    """All that a run finds; `card` is None where there was none. `convolutions` has milliseconds of a replica's step of
    each size by the way that convolutions are computed."""

    card: str | None
    machine: str
    tests: str = ""
    costs: list[Cost] = field(default_factory=list)
    convolutions: dict[str, dict[str, float | None]] = field(default_factory=dict)
    apart: dict[str, float] = field(default_factory=dict)
    profiles: list[Profile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def ratio(cost: Cost, peer: str) -> float | None:
    """How many times faster we are than a peer."""
    theirs: float | None = getattr(cost, peer)
    return None if theirs is None else theirs / cost.ours


def goals(costs: Sequence[Cost], card: str | None) -> str:
    """The table of goals, which are a card's."""
    rows = [("goal, 64 replicas", "at least", "measured")]
    for goal in GOALS:
        reached = goal.reached(costs) if card else None
        found = NOT_SHOWN if reached is None else f"{reached:.3g}×, {'met' if reached >= goal.asked else '**not met**'}"
        rows.append((f"{goal.size}, {goal.precision}, against {PEERS[goal.peer]}", f"{goal.asked:g}×", found))
    return markdown(rows)


def page(found: Findings) -> str:
    """Everything as Markdown."""
    where = found.card or "No card: a reduced form on a processor, which says nothing of one"
    parts = [f"# Populations on a card\n\n{where}. {found.machine}.", f"## Goals\n\n{goals(found.costs, found.card)}"]
    heads = ("size", "precision", "replicas", "ours, ms a replica-step", *PEERS.values(), "MiB a replica")
    rows = [
        (
            cost.size, cost.precision, str(cost.replicas), f"{cost.ours:.3g}",
            *(_told(cost, peer) for peer in PEERS), "" if cost.mebibytes is None else f"{cost.mebibytes:.3g}",
        )
        for cost in found.costs
    ]  # fmt: skip
    parts.append(f"## Costs\n\n{markdown([heads, *rows])}\n\nOf peers: milliseconds, and how many times faster we are.")
    ways = [*dict.fromkeys(way for by in found.convolutions.values() for way in by)]
    rows = [(what, *(_milliseconds(by.get(way)) for way in ways)) for what, by in found.convolutions.items()]
    parts.append(f"## Convolutions by the way they are computed\n\n{markdown([('ms a replica-step', *ways), *rows])}")
    apart = [(what, f"{apart:.1e}") for what, apart in found.apart.items()]
    parts.append(f"## Curves that should agree\n\n{markdown([('what', 'largest relative difference'), *apart])}")
    told = [profile.words(found.card is not None) for profile in found.profiles]
    parts.append("## Where the time goes\n\n" + "\n".join(f"- {words}" for words in told))
    parts.append(f"## Tests marked gpu\n\n{found.tests}")
    if found.left_out:
        parts.append("## Left out\n\n" + "\n".join(f"- {what}" for what in found.left_out))
    return "\n\n".join(parts) + "\n"


def _milliseconds(spent: float | None) -> str:
    return "" if spent is None else f"{spent:.3g}"


def _told(cost: Cost, peer: str) -> str:
    theirs, times = getattr(cost, peer), ratio(cost, peer)
    return "" if times is None else f"{theirs:.3g} ({times:.3g}×)"


def card(device: torch.device) -> str | None:
    """The card's name, memory and driver."""
    if device.type != "cuda":
        return None
    about = torch.cuda.get_device_properties(device)
    try:
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        driver = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        driver = "unknown"
    cuda = torch.version.cuda
    return f"{about.name}, {about.total_memory / 2**30:.0f} GiB, driver {driver}, CUDA {cuda}"


def machine() -> str:
    """What runs the programs."""
    return f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
