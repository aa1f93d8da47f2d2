# %% [markdown]
# # Figures and tables for a paper
#
# One file each: PDF and SVG at the width of one column (3.3 in) or of the page (6.8 in), not to be scaled, and all
# tables of the report in LaTeX (booktabs) and CSV. `GANSTUDY_PAPER` names the folder that they go to.

# %%
import os
from pathlib import Path

from analysis import figures, load
from analysis.figures.style import save
from analysis.report import every_table, find, pair_tables, table_files

folder = Path(os.environ.get("GANSTUDY_FOLDER", "studies/quickstart"))
paper = Path(os.environ.get("GANSTUDY_PAPER", folder / "report" / "paper"))
record = load(folder)
findings = find(record)
looks, phase = findings.palette, findings.phase

# %% [markdown]
# ## One column

# %%
ended = [arm for arm in findings.outcomes[phase] if arm.n]
save(figures.outcome_bars(ended), paper, "outcomes")
save(figures.survival_curves(findings.survival[0], looks), paper, "survival")
save(figures.quality_strips(findings.measured[0].quality, looks), paper, "quality")
save(figures.best_of_k(findings.best_of_k, looks), paper, "best-of-k")
save(figures.profiles(findings.measured[0].profiles, looks), paper, "profiles")

# %%
if findings.measured[0].comparison is not None:
    save(figures.pairwise_matrix(findings.measured[0].comparison), paper, "pairs")
if findings.selection_bias:
    save(figures.selection_bias(findings.selection_bias, looks), paper, "selection-bias")
if timed := findings.best_by_spending["core_seconds"]:
    save(figures.best_of_k(timed, looks), paper, "best-of-budget")
for one in findings.incidence:
    if any(curve.events for curve in one.curves):
        save(figures.incidence_curves(one, looks), paper, f"incidence-{one.event}")

# %% [markdown]
# ## The width of the page

# %%
save(figures.learning_curves(findings.learning, looks), paper, "learning")
if findings.shares:
    save(figures.mode_shares(findings.shares), paper, "modes")

# %% [markdown]
# ## Tables
# All that the report has, under the same names; `analysis.report.tables`, `pair_tables` and `time_tables` make single
# ones.

# %%
for table in every_table(findings, folder):
    table_files.save(table, paper)
print(table_files.latex(pair_tables.quality_table(findings.measured[0].quality, findings.measured[0].comparison)))

# %%
sorted(path.name for path in paper.iterdir())
