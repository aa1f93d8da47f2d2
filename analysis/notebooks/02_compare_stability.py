# %% [markdown]
# # Which arm trains most stably?
#
# Outcomes, times to failure and quality by arm, and what tells two arms apart in each: differences in the units of what
# is measured, with intervals that hold for all pairs together, and p-values after Holm's correction. Where every arm
# was searched several times (`search.repeats`) a search is one unit, and an arm's name stands for the arm tuned by such
# a search; where it was searched once, for the configuration that was chosen.

# %%
import os
from pathlib import Path

import pandas as pd

from analysis import figures, load
from analysis.report import answer, find, joint_claims, pair_tables, tables, time_tables
from analysis.report.spending import spent_table
from analysis.report.table_files import frame
from analysis.results.pilot import pilot
from analysis.results.selection import select
from analysis.statistics.power import Design, power_of_shares

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
SAME_WITHIN = 0.05  # of shares, of the budget in times, of quality as a factor of 1.05
findings = find(load(folder), same_within=SAME_WITHIN)
record, phase, looks = findings.record, findings.phase, findings.palette

# %%
said = answer(findings)
print(said.question, *said.found, *said.caveats, sep="\n\n")

# %% [markdown]
# ## Outcomes
# Shares by Wilson's intervals. On fresh seeds of one configuration they capture seeds; over searches, or the
# configurations of a search, these too.

# %%
ended = [arm for arm in findings.outcomes[phase] if arm.n]
figures.outcome_bars(ended, columns=2)

# %%
frame(tables.outcome_table(ended, phase))

# %% [markdown]
# Every pair by each outcome: in how much larger a share of its replicas the first arm converged, or in how much smaller
# a share it did something else. n counts the units of the test.

# %%
frame(pair_tables.rate_table(findings.rates)) if findings.rates else "there is nothing to compare"

# %% [markdown]
# ## Time to failure
# Divergence, freezing, or a collapse that lasts.
# Kaplan and Meier's curves: replicas that were stopped early are censored, not counted as survivors.

# %%
lasting = findings.survival[0]
figures.survival_curves(lasting, looks, columns=2)

# %% [markdown]
# How long a replica goes without a failure on average, up to the latest time to which all curves are known (the
# restricted mean), and every pair by the difference. It says how much, also where curves cross.

# %%
frame(time_tables.survival_table(lasting))

# %%
frame(time_tables.time_table(lasting)) if lasting.comparison else "there is a single arm"

# %% [markdown]
# Which failure it was. The kinds compete: a replica that diverged cannot collapse any more, and counts as one that did
# not (Aalen and Johansen). The picture is of the first kind that occurred.

# %%
frame(time_tables.incidence_table(findings.incidence))

# %%
met = [one for one in findings.incidence if any(curve.events for curve in one.curves)]
figures.incidence_curves(met[0], looks, columns=2) if met else "no replica failed"

# %% [markdown]
# ## Quality
# Every pair by the probability that a replica of the first arm is better, and by how far they lie apart in the metric's
# own units: a ratio where all values are above 0 and have no upper bound, otherwise a difference.

# %%
scored, pairs = findings.measured[0].quality, findings.measured[0].comparison
frame(pair_tables.quality_table(scored, pairs)) if scored else "no replica has a final score"

# %%
frame(pair_tables.pair_table(pairs)) if pairs else "there is nothing to compare"

# %% [markdown]
# ## The same, or not told apart?
# Two arms that cannot be told apart may still differ. They are shown to be the same within a margin where the interval
# of their difference lies inside it.

# %%
print(*joint_claims.same(findings), *joint_claims.jointly(findings), sep="\n\n")

# %% [markdown]
# ## What it cost, and what more would find
# A trial of one arm may cost more than one of another.

# %%
frame(spent_table([one for of_phase in findings.spent.values() for one in of_phase]))

# %% [markdown]
# The chance that arms whose shares lie so many points apart are told apart after the correction for all pairs, by the
# number of searches of each arm (rows), with this study's own variance of convergence between searches and seeds.
# `ganstudy check STUDY.yaml --detect 0.3 --pilot DIR` says it of a study to come.

# %%
SEARCHES, APART = (3, 5, 8, 12, 20), (0.2, 0.4, 0.6, 0.8)
confirmed = select(record, "confirm").trials
chosen = confirmed.groupby(["arm", "repeat"], observed=True)["index"].nunique()  # of each search
known = pilot(record) if len(chosen) and chosen.max() == 1 else None
if known is not None and known.convergence is not None and known.arms > 1:
    power = {
        f"{apart:.0%} apart": [
            power_of_shares(Design(known.arms, m, known.seeds), apart, known.convergence, known.converged)
            for m in SEARCHES
        ]
        for apart in APART
    }
    print(pd.DataFrame(power, pd.Index(SEARCHES, name="searches")).map("{:.0%}".format))
else:
    print("one search of each arm, or shares that are all alike, say nothing of other searches")

# %% [markdown]
# ## Signals
# What outcomes are judged by, over the last part of training: how often the samples are near the data, how many modes
# hold mass, how much of it moves, and by which factor quality swings or still improves.

# %%
frame(tables.signal_table(findings.signals, phase))

# %% [markdown]
# ## Thresholds
# The share of replicas that other thresholds would have judged otherwise.

# %%
findings.thresholds.changed.round(3) if findings.thresholds else "nothing has ended yet"
