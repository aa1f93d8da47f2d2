"""Results as tables; each names the rows of the record that its numbers come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.record.loading import Record
from analysis.report.rules import MEANINGS
from analysis.report.table_files import Head, Table, Value
from analysis.results.compare import ArmOutcomes, ArmSignal
from analysis.results.critic_bound import ESTIMATE, GAP, RATIO, TRUTH, ArmCriticBound
from analysis.results.dirac import DiracShares
from analysis.results.jacobian import ArmSpectrum
from analysis.results.selection_bias import SelectionBias
from analysis.results.threshold_table import ThresholdTable
from analysis.wording import NOT_JUDGED, captured, counted, named, too_few


def outcome_table(outcomes: Sequence[ArmOutcomes], phase: str, note: str = "") -> Table:
    """How likely each outcome is in each arm; outcomes that nowhere occurred are left out. `note` ends the caption."""
    first = outcomes[0].probabilities
    seen = [
        name for name in first if name == "converged" or any(arm.probabilities[name].estimate > 0 for arm in outcomes)
    ]
    heads = (Head("arm"), Head("configurations", "count"), Head("replicas", "count"), *(Head(n, "share") for n in seen))
    rows: list[tuple[Value, ...]] = [
        (arm.arm, arm.configurations, arm.n, *(arm.probabilities[name] for name in seen)) for arm in outcomes
    ]
    captures = captured([arm.probabilities["converged"] for arm in outcomes], phase)
    return Table(
        f"outcomes-{phase}",
        f"Share of replicas by outcome, with Wilson's 95 % intervals, which capture {captures}.{note}",
        f"trials.parquet: phase = {phase}, outcome by arm; without failed and running trials and replicas {NOT_JUDGED}",
        heads,
        tuple(rows),
    )


def signal_table(results: Sequence[ArmSignal], phase: str, note: str = "") -> Table:
    """The median of each signal of stability by arm; `note` ends the caption."""
    signals = list(dict.fromkeys(result.signal for result in results))
    arms = list(dict.fromkeys(result.arm for result in results))
    known = {(result.arm, result.signal): result.interval for result in results}
    captures = captured(known.values(), phase)
    return Table(
        f"signals-{phase}",
        "Signals that outcomes are judged by: medians over replicas that ended without failing, with 95 % intervals,"
        f" which capture {captures}.{too_few(known.values(), phase)} Read from the left: a generator that is collapsed"
        f" or frozen hops and swings as little as one that has converged, but is not near the data.{note}",
        f"trials.parquet: phase = {phase}, columns {', '.join(signals)} (critic_distance of critic_accuracy)",
        (Head("arm"), *(Head(named(signal), "number") for signal in signals)),
        tuple((arm, *(known.get((arm, signal)) for signal in signals)) for arm in arms),
    )


def selection_bias_table(results: Sequence[SelectionBias]) -> Table:
    """Each winner's score in the search that chose it, and on fresh seeds."""
    repeated = any(r.repeat for r in results)
    heads = (
        Head("arm"), *([Head("repeat", "count")] if repeated else []), Head("configuration", "count"),
        Head("in the search", "number"), Head("corrected", "number"), Head("on fresh seeds", "number"),
        Head("change", "number"), Head("biased"),
    )  # fmt: skip
    said = ["yes" if r.biased else "unknown" if np.isnan(r.change.estimate) else "not shown" for r in results]
    rows: list[tuple[Value, ...]] = [
        (r.arm, *([r.repeat] if repeated else []), r.index, r.search, r.corrected, r.confirmed, r.change, word)
        for r, word in zip(results, said, strict=True)
    ]
    return Table(
        "selection-bias",
        f"Selection bias of each winner: median {named(results[0].metric)} of the same configuration in the"
        " search that chose it and on fresh seeds, 95 % intervals over seeds."
        f"{too_few([one for r in results for one in (r.search, r.confirmed)], 'confirm')} Never pooled."
        " “change”: by how much fresh seeds score higher, Hodges and Lehmann's estimate; “biased”: they score worse, by"
        " Mann and Whitney's test, corrected for all rows by Holm. “corrected”: what the search alone says"
        " of the score on fresh seeds, given that it was the best (the hybrid estimate of Andrews,"
        " Kitagawa and McCloskey); where it says little, as few seeds that scatter do, its interval is wide, and the"
        " estimate with it far from the score.",
        f"trials.parquet: column {results[0].metric} of the confirmed configurations, phase by phase",
        heads,
        tuple(rows),
    )


def threshold_changes(result: ThresholdTable) -> Table:
    """The share of replicas whose outcome another threshold would change."""
    base = {name: float(getattr(result.base, name)) for name in result.changed["threshold"].unique()}
    changed = result.changed[~result.changed["base"]]
    names = changed["threshold"].astype(str)
    meanings = names.map(lambda name: MEANINGS.get(name, ""))
    rows = zip(names, meanings, names.map(base), changed["value"], changed["changed"], strict=True)
    return Table(
        f"thresholds-{result.phase}",
        "Dependence of the outcomes on their thresholds (outcomes.* in the configuration): share of replicas"
        " whose outcome differs from that by the values in use.",
        f"history.parquet: phase = {result.phase}, judged again (analysis.results.outcomes)",
        (
            Head("threshold"),
            Head("what it is"),
            Head("in use", "setting"),
            Head("moved to", "setting"),
            Head("judged otherwise", "share"),
        ),
        tuple(rows),
    )


def critic_bound_table(results: Sequence[ArmCriticBound]) -> Table:
    """The estimates of each arm's critics at the end of training, with the truth."""
    columns = {
        ESTIMATE: "critic's estimate", TRUTH: "true divergence", GAP: "truth less estimate",
        RATIO: "error of p / (p + q)",
    }  # fmt: skip
    phase = results[0].phase
    medians = [one.medians[name] for one in results for name in (GAP, RATIO) if name in one.medians]

    def cell(one: ArmCriticBound, name: str) -> Value:
        middle = one.medians.get(name)
        return middle if middle is None or name in (GAP, RATIO) else middle.estimate

    return Table(
        f"critic-bound-{phase}",
        "What the critics estimated at the end of training: medians over the replicas that did not diverge; the"
        f" bootstrap 95 % intervals capture {captured(medians, phase)}; the held-out points are shared by all."
        f"{too_few(medians, phase)} Divergences of different pairs are different quantities.",
        f"trials.parquet: phase = {phase}, columns {', '.join(columns)}; completed replicas that did not diverge",
        (Head("arm"), Head("replicas", "count"), *(Head(words, "number") for words in columns.values())),
        tuple((one.arm, one.n, *(cell(one, name) for name in columns)) for one in results),
    )


def spectra_table(results: Sequence[ArmSpectrum]) -> Table:
    """How stable the point is at which training ended, by the eigenvalues of the game's Jacobian."""
    phase = results[0].phase
    heads = (
        Head("arm"), Head("replicas", "count"), Head("unstable", "share"), Head("largest real part", "number"),
        Head("imaginary share", "share"), Head("radius", "number"),
    )  # fmt: skip
    unfound = sum(one.unfound for one in results)
    lost = f" Left out, as their eigenvalues were not found: {counted(unfound, 'replica')}." if unfound else ""
    return Table(
        f"spectra-{phase}",
        "Eigenvalues of the game's Jacobian at the end of training: the share of replicas that are unstable, that is,"
        " whose leading eigenvalue has a positive real part (Wilson's 95 % interval), and medians of that real part, of"
        " the imaginary part's share in the leading eigenvalue's modulus, and of the largest modulus (radius)."
        f" Intervals capture {captured([one.real_median for one in results], phase)}."
        f"{too_few([one.real_median for one in results], phase)}{lost}",
        f"trials.parquet: phase = {phase}, columns jacobian_real, jacobian_imaginary, jacobian_radius; completed"
        " replicas that did not diverge",
        heads,
        tuple(
            (o.arm, o.n, o.unstable, o.real_median, o.imaginary_share_median, o.radius_median.estimate) for o in results
        ),
    )


def dirac_table(results: Sequence[DiracShares]) -> Table:
    """How much of the Dirac-GAN's map converged in each arm, and how much ended as the eigenvalues predict."""
    heads = (
        Head("arm"), Head("starts", "count"), Head("cells", "count"), Head("converged", "share"),
        Head("as predicted", "share"), Head("least of a start", "share"), Head("most of a start", "share"),
    )  # fmt: skip
    return Table(
        f"dirac-{results[0].phase}",
        "Share of the map's cells that converged, and of those that did so or not as their eigenvalues predict, mean"
        " over starts. The 95 % intervals (Wilson, a cell as the unit) capture which cells were played, as if drawn"
        " from the plane of log step and log gamma, which is cautious for a grid; the last columns show how starts"
        " differ.",
        f"trials.parquet: phase = {results[0].phase}, columns dirac_converged, dirac_agreement; cells are"
        " config.data.step.count × config.data.gamma.count",
        heads,
        tuple((o.arm, o.starts, o.cells, o.converged, o.predicted, o.lowest, o.highest) for o in results),
    )


def left_out_table(record: Record) -> Table:
    """Trials that are left out or enter as censored, and why."""
    trials = record.trials.assign(outcome=record.trials["outcome"].astype(object))
    whole = trials.drop_duplicates(["study", "trial_id"])
    rows: list[tuple[Value, ...]] = []
    for status, why in (
        ("running", "had not ended when the record was written: left out, censored in survival"),
        ("truncated", "stopped early by the scheduler: left out of final quality, censored in survival"),
    ):
        for phase, part in whole[whole["status"] == status].groupby("phase", observed=True):
            replicas = int(((trials["status"] == status) & (trials["phase"] == phase)).sum())
            rows.append((str(phase), status, len(part), replicas, why))
    failed = whole[whole["status"] == "failed"]
    for (in_phase, message), part in failed.groupby(["phase", failed["message"].fillna("")], observed=True):
        replicas = int(trials["trial_id"].isin(part["trial_id"]).sum())
        rows.append((str(in_phase), "failed", len(part), replicas, str(message) or "no message"))
    unknown = trials[trials["outcome"].isna() & (trials["status"] != "running")]
    for phase, part in unknown.groupby("phase", observed=True):
        why = "it cannot be told what became of them: no floor was measured, or their evaluations are lost"
        rows.append((str(phase), NOT_JUDGED, len(part.drop_duplicates(["study", "trial_id"])), len(part), why))
    heads = (Head("phase"), Head("what"), Head("trials", "count"), Head("replicas", "count"), Head("why"))
    caption = "What was left out, and why. Diverged replicas are never left out: divergence is an outcome."
    return Table("left-out", caption, "trials.parquet: status and message", heads, tuple(rows))
