# %% [markdown]
# # Which arm trains most stably?
#
# Outcomes with their intervals, time to failure, and how far they depend on their thresholds.

# %%
import os
from pathlib import Path

from numpy.random import default_rng

from analysis import figures, load
from analysis.figures.style import palette
from analysis.report import find, tables, time_tables
from analysis.report.table_files import csv_text
from analysis.results.compare import outcomes, signals
from analysis.results.selection import arms_in_order, select
from analysis.results.survival import survival
from analysis.results.threshold_table import threshold_table
from analysis.statistics.bootstrap import Resampling

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
findings = find(load(folder))
record, phase = findings.record, findings.phase  # its outcomes by the present rule
looks = palette(arms_in_order(record.trials))
selected = select(record, phase)

# %% [markdown]
# ## Outcomes
# Wilson's intervals. On fresh seeds they capture seeds; over the search, configurations and seeds.

# %%
ended = [arm for arm in outcomes(selected) if arm.n]
figures.outcome_bars(ended, columns=2)

# %%
print(csv_text(tables.outcome_table(ended, phase)))

# %% [markdown]
# ## Time to failure
# Divergence, freezing, or a collapse that lasts.
# Kaplan and Meier's curves: replicas that were stopped early are censored, not counted as survivors.

# %%
lasting = survival(selected, "failure")
figures.survival_curves(lasting, looks, columns=2)

# %%
print(csv_text(time_tables.time_table(lasting)) if lasting.comparison else "a single arm")

# %% [markdown]
# ## Signals
# What outcomes are judged by, over the last part of training: how often the samples are near the data, how many modes
# hold mass, how much of it moves, and by which factor quality swings or still improves.

# %%
print(csv_text(tables.signal_table(signals(selected, resampling=Resampling(default_rng(0))), phase)))

# %% [markdown]
# ## Thresholds
# The share of replicas that other thresholds would have judged otherwise.

# %%
threshold_table(selected).changed.round(3)
