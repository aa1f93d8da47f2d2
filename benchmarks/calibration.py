"""How often are identical objectives told apart, and different ones? The tests of repeated searches, calibrated.

Studies are simulated (`benchmarks.repeated`), nothing is trained. In a study without differences every pair that is
told apart after Holm's correction is an error; what counts is the share of studies with any. Beside the method
(`analysis.statistics.repeats`) stand one search for each arm with seeds as units, as studies were judged before
searches could be repeated, Student's t over all replicas, and other tests of repeats (`benchmarks.rivals`).

    python -m benchmarks.calibration [--write]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.comparison import markdown, provenance
from benchmarks.crossed_factors import errors, found, near_ends
from benchmarks.error_rates import ARMS, LEVEL, LIMIT, OURS, SEEDS, STUDIES, Size, false_alarms, ours, percent, sizes
from benchmarks.hard_worlds import harder, rivals, unfinished
from benchmarks.power_tables import coverages, long_searches, powers, share_powers
from benchmarks.repeated import NOISE, World
from benchmarks.rivals import all_replicas, one_search
from benchmarks.unlike_searches import SEEDS as LUMPS
from benchmarks.unlike_searches import alike, alike_scores, unlike, unlike_times, worse_scores

TITLE = "How often identical objectives are told apart"
WORLDS = {
    f"sd {spread}{', ' + collapse if collapse != 'never' else ''}": World(spread, collapse)
    for collapse in ("never", "rarely", "often")
    for spread in (0.2, 0.5)
}


def levels(studies: int = STUDIES) -> tuple[str, float]:
    """The table that decides, and the largest share in it."""
    columns = [(name, endpoint) for endpoint in OURS for name, world in WORLDS.items()
               if endpoint == "quality" or world.collapse != "never"]  # fmt: skip
    rows = [("arms", "repeats", *(f"{endpoint}, {name}" for name, endpoint in columns))]
    largest = 0.0
    for size in sizes(studies):
        cells = {}
        for name, world in WORLDS.items():
            asked = {endpoint: (endpoint, ours(endpoint)) for column, endpoint in columns if column == name}
            cells |= {(name, endpoint): share for endpoint, share in false_alarms(world, size, asked).items()}
        largest = max(largest, *cells.values())
        rows.append((str(size.arms), str(size.repeats), *(percent(cells[column], LIMIT) for column in columns)))
    return markdown(rows), largest


def before(studies: int = STUDIES) -> str:
    """What was done before: one search, and all replicas as if independent."""
    ways = {"one search": one_search, "all replicas": all_replicas}
    asked = {f"{endpoint}, {way}": (endpoint, test) for way, test in ways.items() for endpoint in OURS}
    rows: list[Sequence[str]] = [("arms", *(f"{name}, sd {spread}" for name in asked for spread in (0.2, 0.5)))]
    for arms in ARMS:
        alarms = [false_alarms(World(spread, "often"), Size(arms, 3, SEEDS, studies), asked) for spread in (0.2, 0.5)]
        rows.append((str(arms), *(percent(one[name]) for name in asked for one in alarms)))
    return markdown(rows)


def section(_: bool = False) -> str:
    """All tables, as Markdown; there is no picture to keep."""
    table, largest = levels()
    error = np.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
    return f"""## {TITLE}

{provenance()}
{STUDIES:,} simulated studies a number (`python -m benchmarks.calibration`); the Monte-Carlo error of 5 % is
{error:.1%}. Every arm is searched m times, 20 configurations × 8 seeds, and each winner confirmed on {SEEDS} fresh
seeds, the same in all arms. The sd is that of the log score between configurations; seeds have {NOISE}.
Configurations collapse never, rarely or often, each with a probability of its own.

Some pair of identical arms is told apart, in bold where in more than {LIMIT:.0%} of studies; at most {largest:.1%}:

{table}

The same where one search is taken for the objective and seeds are the units, and where all replicas of 3 repeats are
(configurations collapse often):

{before()}

Harder worlds, 16 seeds:

{harder()}

Shares of searches that end wholly well or wholly badly, or nearly so, {4 * STUDIES:,} studies, {LUMPS} seeds; identical
arms are told apart:

{alike()}

The same searches by quality ({STUDIES:,} studies; replicas' log scores have sd 0.5), and in brackets without the
page's warning that searches may end wholly well or wholly badly:

{alike_scores()}

How often one arm that is worse is told from each of the others by quality, in brackets without that warning:

{worse_scores()}

How often 95 % intervals of the difference of two arms hold it and, in brackets, lie on one side of 0, {2 * STUDIES:,}
studies, {LUMPS} seeds: by the method, which takes the searches of both to differ about as much; with every search taken
as one replica; and by Welch and Satterthwaite, each arm by its own part between repeats. Two arms whose searches differ
unlike come first, which are alike where nothing else is said:

{unlike()}

The same of the difference of two mean times, {LUMPS} seeds: with that chance a replica never fails, and otherwise at a
uniform time:

{unlike_times()}

Unfinished studies, 16 seeds, a tenth of their variance shared by all and a tenth by an arm, collapsing often:

{unfinished()}

Arms that cross factors, the last of which makes .7 of .3 or takes .6 off the log score: how often a factor that does
nothing is told to do something, or a difference of differences that is none, in bold where in more than 6 % of studies
(`benchmarks.crossed_factors`; replicas of one search are units where it was made once):

{errors()}

The same crossings: how often the last factor's effect is told, that it adds .6 more beside one level of the first, and
how often all intervals of a question hold what is true:

{found()}

Arms of which none or all converge, beside arms of a share p: how often all intervals of a question hold what is true,
at the p where they do so least, and in brackets what those by Student's t alone do; of one search exact, of several
simulated at p of .05, .1, .2, .5 and .9:

{near_ends()}

Other tests of the same repeats, by quality on 16 seeds; errors first, then the share found of the pairs that differ
({STUDIES // 4} studies). A pair's effect is P(better), but for the pooled t and the permutation, which compare mean
ranks among all arms:

{rivals()}

The share found of the pairs that differ by quality, one or half of the arms being worse in log score; in brackets by
one search and by all replicas, which find as much where there is nothing:

{powers()}

The same for shares .05 against .35, and the times of these events, at 16 seeds, by the correlation between replicas
of a repeat; in brackets by one search:

{share_powers()}

How often 95 % intervals hold the true effect, one by one and all of a study at once, at 16 seeds. Half of the arms are
worse, sd 0.5, collapsing often, with a tenth of the seeds' variance shared by all and a tenth by an arm; for shares and
times half of the arms fall more often than .05, with a correlation of .1 in a repeat:

{coverages()}

One long random search an arm in place of several, nothing confirmed, and the best of 20 judged by the U-statistic
({STUDIES // 2} studies): errors, then the share found of the pairs that differ, one arm being worse:

{long_searches()}
"""


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["calibration", *sys.argv[1:]])
