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
from analysis.report import find, tables
from analysis.report.table_files import csv_text
from analysis.results.compare import outcomes, signals
from analysis.results.selection import arms_in_order, select
from analysis.results.survival import survival
from analysis.results.threshold_table import threshold_table
from analysis.statistics.bootstrap import Resampling

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
record = load(folder)
looks = palette(arms_in_order(record.trials))
phase = find(record).phase
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
# ## Time to divergence or collapse
# Kaplan and Meier's curves: replicas that were stopped early are censored, not counted as survivors.

# %%
event = "either" if record.history["mode_fraction"].notna().any() else "diverged"
lasting = survival(selected, event)
figures.survival_curves(lasting, looks, columns=2)

# %%
print(csv_text(tables.logrank_table(lasting)))

# %% [markdown]
# ## Signals
# The critic's distance from chance on held-out data, how much mode mass moves, and how much quality swings.

# %%
print(csv_text(tables.signal_table(signals(selected, resampling=Resampling(default_rng(0))), phase)))

# %% [markdown]
# ## Thresholds
# The share of replicas that other thresholds would have judged otherwise.

# %%
threshold_table(selected).changed.round(3)
