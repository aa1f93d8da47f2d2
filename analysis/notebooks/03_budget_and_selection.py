# %% [markdown]
# # Budget and selection bias
#
# How good an arm gets with more configurations tried, how biased the scores of the search's winners are, and which
# hyperparameters mattered.

# %%
import os
from pathlib import Path

from numpy.random import default_rng

from analysis import figures, load
from analysis.figures.style import palette
from analysis.report import find, pair_tables, tables
from analysis.report.chosen import chosen_table, snippet
from analysis.report.spending import equality, spent_table
from analysis.report.table_files import frame
from analysis.results.best_of_k import best_of_k
from analysis.results.compare import compare, quality
from analysis.results.design import scales_of
from analysis.results.profiles import profiles
from analysis.results.selection import arms_in_order, select
from analysis.results.selection_bias import selection_bias
from analysis.results.sensitivity import sensitivity
from analysis.results.spending import against
from analysis.statistics.bootstrap import Resampling

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
record = load(folder)
looks = palette(arms_in_order(record.trials))
findings = find(record)
metric, mode, phase = findings.metric, findings.measured[0].mode, findings.phase
searched, confirmed, selected = (select(record, name) for name in ("search", "confirm", phase))

# %% [markdown]
# ## The best of k configurations
# A configuration's score is the median over its replicas.

# %%
best = best_of_k(searched, metric, mode=mode, resampling=Resampling(default_rng(0)))
figures.best_of_k(best, looks, columns=2)

# %% [markdown]
# The same curves by what a search costs: over its core-seconds or, with another name of `analysis.wording.SPENDINGS`,
# its generator updates, critic updates, real samples or operations. Above them stands what all trials had alike, below
# them what each arm has spent in all.

# %%
print("\n".join(equality(findings.budgets)))
timed = against(best, searched, "core_seconds")
figures.best_of_k(timed, looks, columns=2) if timed else print("the record does not say what trials have spent")

# %%
frame(spent_table([one for phase in findings.spent.values() for one in phase]))

# %% [markdown]
# ## Selection bias
# The score of each winner in the search that chose it, beside its score on fresh seeds. The two are never pooled.

# %%
resampling = Resampling(default_rng(0))
winners = selection_bias(searched, confirmed, metric, mode=mode, resampling=resampling) if phase == "confirm" else ()
figures.selection_bias(winners, looks, columns=2) if winners else print("nothing has been confirmed yet")

# %%
frame(tables.selection_bias_table(winners)) if winners else "there is none"

# %% [markdown]
# ## Chosen configurations
# What each arm's search drew for the configuration that was confirmed, or for its best one; then YAML to paste in place
# of the sections scientific, nuisance and fixed.

# %%
frame(chosen_table(findings.chosen)) if findings.chosen else "nothing has ended yet"

# %%
print("\n".join(f"# {one.arm}\n{snippet(one)}" for one in findings.chosen if one.settings))

# %% [markdown]
# ## Quality, and which arms are distinguishable
# Diverged replicas rank last. Tests are corrected by Holm.

# %%
scored = quality(selected, metric, mode=mode, resampling=Resampling(default_rng(0)))
figures.quality_strips(scored, looks, columns=2)

# %%
pairs = compare(selected, metric, mode=mode) if len(scored) > 1 else None
frame(pair_tables.quality_table(scored, pairs))

# %%
figures.profiles(profiles(selected, metric, mode=mode), looks, columns=2)

# %% [markdown]
# ## What matters within an arm
# Permutation importance of a forest; with few configurations there is nothing to say, and a note says so.

# %%
scales = scales_of(record.about)
matter = sensitivity(searched, metric, mode=mode, scales=scales, generator=default_rng(0))
stable = [one for one in matter if one.response == "stability" and not one.note]
figures.importances(stable, looks, columns=2) if stable else print({one.note for one in matter})
