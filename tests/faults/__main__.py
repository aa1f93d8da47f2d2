"""The fault campaign: `python tests/faults` does all of it, `--only` a part; exit status 0 if nothing is wrong.

With `--folder` it goes on where a former call with the same seed stopped, for which `--minutes` gives a time. With
`--write docs/faults.md` the figures of the parts that are done go to their places there.
"""

from __future__ import annotations

import argparse
import math
import os
import pickle
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["OMP_NUM_THREADS"] = "1"  # no pool of threads, which forks would wait for in vain

from configurations import Checked, checked
from forked import forked
from kills import Campaign, Toll
from ledgers import Judged, mutated

PARTS: dict[str, Callable[[], Any]] = {"kills": Toll, "forks": Toll, "ledgers": Judged, "configurations": Checked}
STATE = "campaign.pickle"
AT_ONCE = 20  # mutants between two looks at the time


def main() -> int:
    """Do what is left of the parts that are wanted, and say what was found."""
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="ganstudy-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / STATE
    found = pickle.loads(state.read_bytes()) if state.exists() else {}
    until = time.monotonic() + 60 * options.minutes

    def say(said: str) -> None:
        print(said, flush=True)
        state.write_bytes(pickle.dumps(found))

    for part in options.only:
        found.setdefault(part, PARTS[part]())
        _do(part, options, folder, found[part], until, say)
        say(found[part].table())
        print(*(f"- {one}" for one in found[part].about), sep="\n")
        if options.write is not None:
            _write(options.write, part, f"{_about(options.seed)}\n\n{found[part].table()}")
    return int(any(found[part].faults for part in options.only))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/faults", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS], help="the parts (default: all)")
    for part, number in (("kills", 60), ("forks", 200), ("ledgers", 1000), ("configurations", 1000)):
        parser.add_argument(f"--{part}", type=int, default=number, help="how many (default: %(default)s)")
    parser.add_argument("--whole", type=int, default=25, help="of the accepted configurations one in so many with Ray")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where studies and what was found are (default: a new one)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="nothing is begun after them")
    parser.add_argument("--write", metavar="FILE", type=Path, help="a page with a place for each part's figures")
    return parser.parse_args()


def _do(
    part: str, options: argparse.Namespace, folder: Path, found: Any, until: float, say: Callable[[str], None]
) -> None:
    count, seed, minutes = getattr(options, part), options.seed, (until - time.monotonic()) / 60
    if part == "kills":
        Campaign(seed, folder, found).run(count, minutes, say)
    elif part == "forks":
        forked(count, seed, folder, found, minutes, say)
    while part in ("ledgers", "configurations") and found.mutants < count and time.monotonic() < until:
        numbers = range(found.mutants, min(count, found.mutants + AT_ONCE))
        if part == "ledgers":
            mutated(numbers, seed, folder, found, say)
        else:
            checked(numbers, seed, folder, found, options.whole, say)


def _about(seed: int) -> str:
    """When, on what, and with which seed."""
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"
    return f"{time.strftime('%Y-%m-%d')}, {machine}, Python {platform.python_version()}, seed {seed}:"


def _write(page: Path, part: str, text: str) -> None:
    """Put a part's figures between its marks on the page."""
    before, mark, rest = page.read_text(encoding="utf-8").partition(f"<!-- {part} -->\n")
    _, end, after = rest.partition(f"<!-- end of {part} -->")
    if not (mark and end):
        raise SystemExit(f"{page}: expected a place for {part}, between its marks, got none")
    page.write_text(f"{before}{mark}\n{text}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
