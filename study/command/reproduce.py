"""The command reproduce: run a published set-up, and say which of the paper's numbers ours agree with."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

from analysis.record.loading import load
from analysis.results.published import HEAD, Comparison, Published, about, compared, published
from analysis.wording import counted, listed
from study.command.init import shipped
from study.command.output import DONE, print_json, say
from study.command.study import run
from study.config import loading, strict_yaml
from study.config.messages import ConfigError, shown
from study.config.plan import StudyPlan
from trainables.checks import close_to

PREFIX = "papers/"
CLAIMS = "published"  # the folder, beside the configurations, of what the papers claim


def reproduce(options: Namespace) -> int:
    """Run a paper's study, or go on with it where it has begun, and hold it against what was published."""
    source = papers().get(options.name.removeprefix(PREFIX))
    if source is None:
        raise ConfigError(_unknown(options.name.removeprefix(PREFIX)))
    told, plan = claims_of(source)
    settings = [*(told.short if options.short else ()), *options.set]
    plan = loading.load(source, settings)
    folder = options.out or Path("studies") / plan.config.study
    with redirect_stdout(sys.stderr):
        exit_status = run(Namespace(config=source, plan=plan, out=folder, trust=False, json=False))
    if exit_status != DONE:
        say(f"nothing is compared before the study is done: `{_command(options)}` goes on with it")
        return exit_status
    arms = [arm.name for arm in plan.arms]
    found = compared(load(folder), about(told.claims, arms))
    judged = {name for one in found for name in (one.claim.arm, one.claim.than)}
    unjudged = [name for name in arms if name not in judged]
    if options.json:
        _print_json(told, settings, folder, found, unjudged)
    else:
        _show(told, settings, folder, found, unjudged)
    return DONE


def _command(options: Namespace) -> str:
    """What was asked for, as it is typed."""
    short, out = ["--short"] * options.short, ["--out", str(options.out)] if options.out else []
    settings = [word for setting in options.set for word in ("--set", setting)]
    return shlex.join(["ganstudy", "reproduce", options.name, *short, *out, *settings, *["--json"] * options.json])


def papers() -> dict[str, Path]:
    """The configurations of papers whose numbers are told, by name."""
    found = {name.removeprefix(PREFIX): path for name, path in shipped().items() if name.startswith(PREFIX)}
    return {name: path for name, path in found.items() if _claims(path).is_file()}


def _unknown(name: str) -> str:
    """What is said of a name that is no paper's; a path may be a file of one's own, or one that comes with ganstudy."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        meant = f" '{path.stem}'" if path.stem in papers() else ""
        return (
            f"NAME: expected a paper's name{meant or ', as dirac'}, got the path {shown(name)}; `ganstudy init --list`"
            " has papers/NAME, and `ganstudy run` takes a file of one's own"
        )
    return f"NAME: no paper {shown(name)} has its numbers here{close_to(name, papers())}"


def claims_of(source: Path) -> tuple[Published, StudyPlan]:
    """What was published of a configuration's arms, and the study as it stands there; raises `ConfigError`."""
    plan, path = loading.load(source), _claims(source)
    try:
        return published(strict_yaml.read(path), [arm.name for arm in plan.arms]), plan
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _claims(source: Path) -> Path:
    return source.parent / CLAIMS / source.name


def _show(
    told: Published, settings: Sequence[str], folder: Path, found: Sequence[Comparison], unjudged: Sequence[str]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from study.progress.tables import terminal  # imports torch, which bad input need not wait for

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in HEAD:
        table.add_column(name, overflow="fold")
    for comparison in found:
        table.add_row(*(Text(cell) for cell in comparison.cells()))
    console = terminal()
    console.print(Text(f"{told.paper}\n{told.source}"))
    if found:
        console.print(table)
    if settings:
        why = "; what disagrees may do so because of them" if any(one.verdict == "disagree" for one in found) else ""
        console.print(Text(f"settings of this run: {', '.join(settings)}{why}"))
    for sentence in told.differs:
        console.print(Text(f"differs: {sentence}"))
    if unjudged:
        arms = counted(len(unjudged), "arm")
        console.print(Text(f"not judged, as the paper gives no number for them: {arms}, {listed(unjudged)}"))
    verdicts = [comparison.verdict for comparison in found]
    counts = [f"{verdicts.count(one)} {one}" for one in ("agree", "disagree", "cannot tell") if one in verdicts]
    if left_out := len(told.claims) - len(found):
        counts.append(f"{left_out} about arms that are not in this study")
    numbers = "numbers and statements" if any(claim.theory for claim in told.claims) else "numbers"
    console.print(Text(f"of {len(told.claims)} published {numbers} {listed(counts)}; the study is in {folder}"))


def _print_json(
    told: Published, settings: Sequence[str], folder: Path, found: Sequence[Comparison], unjudged: Sequence[str]
) -> None:
    claims = [
        {"arm": one.claim.arm, "of": one.claim.words(), "published": asdict(one.claim.value),
         "theory": one.claim.theory, "ours": asdict(one.ours), "replicas": one.n, "verdict": one.verdict}
        for one in found
    ]  # fmt: skip
    head = {"paper": told.paper, "source": told.source, "settings": list(settings), "differs": list(told.differs)}
    counts = {"left_out": len(told.claims) - len(claims), "unjudged": list(unjudged)}
    print_json({**head, "folder": str(folder), "claims": claims, **counts})
