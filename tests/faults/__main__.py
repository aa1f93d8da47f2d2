"""`python tests/faults --kills 50 --seed 0`: kill at random, count what was lost, print the table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from kills import campaign


def main() -> int:
    """Exit status 0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="tests/faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed and when (default: %(default)s)")
    parser.add_argument("--write", metavar="FILE", type=Path, help="write the table there too")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ganstudy-faults-"))
    toll = campaign(options.kills, options.seed, folder, print)
    print(toll.table())
    if options.write is not None:
        options.write.write_text(toll.table() + "\n", encoding="utf-8")
    if toll.finding.wrong:
        print(f"what is left of the studies is in {folder}")
    return int(toll.finding.wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
