"""`ganstudy`, also `python -m study`: check, run, resume, status, report, ui and objective.

Exit status 0: done; 1: failed or interrupted; 2: bad input, with one message on stderr and nothing started. With
`--json` stdout holds one JSON object and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.atomic_write import SUFFIX

if TYPE_CHECKING:
    from study.config.schema import StudyConfig

DONE, FAILED, BAD_INPUT = 0, 1, 2
LONGEST_MESSAGE = 4000
OF_A_STUDY = (  # what a study folder may hold
    "study.yaml", "ledger", "history.parquet", "trials.parquet", "mlflow.db", "artifacts",
    "trials", "report", "tracking.json",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        return int(options.command(options))
    except KeyboardInterrupt:
        _say("interrupted; what was done is kept, and `ganstudy resume` goes on from there")
        return FAILED
    except Exception as error:
        cause = getattr(error, "cause", None) or error  # what a remote worker raised
        exit_status = _exit_status(cause)
        if exit_status is None:
            raise
        _say(str(cause))
        return exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ganstudy",
        description="Settles by experiment which adversarial objectives train stably.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[Any], int], about: str, operand: str, machine: bool = True) -> Any:
        added = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        added.set_defaults(command=run)
        added.add_argument(operand.lower(), metavar=operand, type=Path)
        if machine:
            added.add_argument("--json", action="store_true", help="print one JSON object")
        return added

    def settings(added: Any) -> Any:
        added.add_argument(
            "--set", metavar="KEY=VALUE", action="append", default=[],
            help="change a setting, as in search.trials_per_arm=3; may be repeated",
        )  # fmt: skip
        return added

    settings(command("check", _check, "Validate a configuration; print its arms, trials and expected cost.", "CONFIG"))
    run = settings(command("run", _run, "Run a study, or go on with it where it has begun.", "CONFIG"))
    run.add_argument("--out", metavar="DIR", type=Path, help="the study folder (default: studies/NAME)")
    resume = settings(command("resume", _resume, "Finish an interrupted study, or extend it by --set.", "DIR"))
    resume.add_argument("--retry-failed", action="store_true", help="train the trials that failed again")
    command("status", _status, "Say what of a study is done, running, failed and missing.", "DIR")
    about = "Write a study's report, or one of records from anywhere, joined."
    reports = commands.add_parser("report", help=about, description=about, allow_abbrev=False)
    reports.set_defaults(command=_report)
    _report_options(reports)
    ui = command("ui", _ui, "Serve MLflow's pages of a study until interrupted.", "DIR", machine=False)
    ui.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s, this machine)")
    ui.add_argument("--port", type=int, help="the port to listen on (default: a free one)")
    about = "Explain what an objective does before any training: built in, or a pair of your own."
    objective = commands.add_parser("objective", help=about, description=about, allow_abbrev=False)
    objective.set_defaults(command=_objective)
    _objective_options(objective)
    return parser


def _report_options(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a study folder, a folder with history.parquet and trials.parquet, or a study's MLflow run: runs:/RUN_ID",
    )
    added.add_argument(
        "--out", metavar="DIR", type=Path,
        help="where records and report go; needed but for a single study folder, which keeps its own",
    )  # fmt: skip
    added.add_argument("--tracking", metavar="URI", help="where MLflow is (default: MLFLOW_TRACKING_URI)")
    added.add_argument("--json", action="store_true", help="print one JSON object")


def _objective_options(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="a built-in objective, a row in Python as module:attribute, or a name for --f and --g",
    )
    added.add_argument("--all", action="store_true", help="a table of all built-in objectives")
    added.add_argument("--f", metavar="EXPR", help="f as a formula of d, as in -softplus(-d)")
    added.add_argument("--g", metavar="EXPR", help="g likewise")
    added.add_argument(
        "--generator", metavar="LOSS",
        help="what the generator minimises: saturating, non_saturating, critic_mean, or a formula of d, f and g, as -f",
    )  # fmt: skip
    added.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[],
        help="a parameter of a built-in objective, as in alpha=2; may be repeated",
    )  # fmt: skip
    added.add_argument("--ratios", nargs=3, metavar=("LOW", "HIGH", "N"), help="density ratios (default: 1e-4 1e4 161)")
    added.add_argument("--plot", metavar="FILE", type=Path, help="draw it, as PNG, PDF or SVG by the file's ending")
    added.add_argument("--json", action="store_true", help="print one JSON object")


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--f -exp(-d)` as `--f=-exp(-d)`: argparse takes a formula that begins with a minus sign for an option."""
    joined: list[str] = []
    for argument in arguments:
        formula = argument.startswith("-") and not argument.startswith("--")
        if "objective" in joined[:1] and formula and joined[-1] in ("--f", "--g", "--generator"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _check(options: argparse.Namespace) -> int:
    from study.config import loading, rules
    from study.progress.forecast import forecast

    plan = loading.load(options.config, options.set)
    rules.ready(plan.config)
    expected = forecast(plan)
    if options.json:
        _print_json({**expected.to_dict(), "config": plan.config.resolved()})
    else:
        from study.progress.tables import show_forecast

        show_forecast(plan.config, expected)
    return DONE


def _run(options: argparse.Namespace) -> int:
    from study.config import loading, rules

    plan = loading.load(options.config, options.set)
    rules.ready(plan.config)
    folder = options.out or Path("studies") / plan.config.study
    _bring(plan.config, folder)
    if _begun(plan.config, folder):
        return _finish(options, folder, lambda run: run.resume_study(folder, []))
    return _finish(options, folder, lambda run: run.run_study(plan, folder))


def _resume(options: argparse.Namespace) -> int:
    from study.config import loading, rules

    folder = _study_folder(options.dir)
    rules.ready(loading.load(folder / "study.yaml", options.set).config)
    return _finish(options, folder, lambda run: run.resume_study(folder, options.set, options.retry_failed))


def _finish(options: argparse.Namespace, folder: Path, start: Callable[[Any], int]) -> int:
    from study import run

    if not options.json:
        return start(run)
    with redirect_stdout(sys.stderr):
        exit_status = start(run)
    from study.progress.status import status

    _print_json(status(folder))
    return exit_status


def _status(options: argparse.Namespace) -> int:
    folder = _study_folder(options.dir)
    from study.progress.status import status

    found = status(folder)
    if options.json:
        _print_json(found)
    else:
        from study.progress.tables import show_status

        show_status(found)
    return DONE


def _report(options: argparse.Namespace) -> int:
    from study.config.messages import ConfigError
    from study.record.sources import RUN, holds_record

    first, *others = options.sources
    runs = [source for source in options.sources if source.startswith(RUN)]
    if options.tracking is not None and not runs:
        raise ConfigError(f"--tracking: expected with a source {RUN}RUN_ID, got it without")
    if options.out is not None:
        page = _gather(options)
    elif others or runs or (holds_record(Path(first)) and not (Path(first) / "study.yaml").is_file()):
        what = f"{len(options.sources)} sources" if others else f"{first}, which is no study folder"
        raise ConfigError(f"--out: expected a folder for the records and the report of {what}, got none")
    else:
        page = _report_study(_study_folder(Path(first)))
    if options.json:
        _print_json({"report": str(page)})
    else:
        print(page)
    return DONE


def _report_study(folder: Path) -> Path:
    from study.command.report import deliver, write

    page = write(folder)
    if waiting := deliver(folder):
        print(f"{waiting} ledger entries still wait for MLflow, and the report with them", file=sys.stderr)
    return page


def _gather(options: argparse.Namespace) -> Path:
    from study.command.report import gather

    return gather(options.sources, options.out, options.tracking)


def _ui(options: argparse.Namespace) -> int:
    from study.config.messages import ConfigError

    if options.port is not None and not 0 < options.port < 65536:
        raise ConfigError(f"--port: expected a number from 1 to 65535, got {options.port}")
    folder = _study_folder(options.dir)
    from study.tracking import ServerError, serve

    try:
        serve(folder, host=options.host, port=options.port)
    except FileNotFoundError as error:
        raise ConfigError(str(error)) from None
    except ServerError as error:
        _say(str(error))
        return FAILED
    return DONE


def _objective(options: argparse.Namespace) -> int:
    from study.command import objective
    from study.config.messages import ConfigError
    from trainables.objectives import induced

    if options.plot is not None:
        objective.check_plot(options.plot)
    if options.all:
        for name in ("name", "f", "g", "generator", "ratios", "plot", "set"):
            if getattr(options, name):
                raise ConfigError(f"--all: expected alone or with --json, got it with {name}")
        every = objective.everything()
        if options.json:
            _print_json({"objectives": [explained.to_dict() for explained in every]})
        else:
            objective.show_all(every)
        return DONE
    game = objective.game(options.name, options.f, options.g, options.generator, options.set)
    explained = induced.explain(game, objective.ratios(options.ratios))
    if options.plot is not None:
        objective.draw(explained, options.plot)
    if options.json:
        _print_json(objective.to_dict(explained, game))
    else:
        objective.show(explained, game.parameters)
    return DONE


def _study_folder(folder: Path) -> Path:
    from study.config.messages import ConfigError

    if not (folder / "study.yaml").is_file():
        there = "a folder without it" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
        raise ConfigError(f"{folder}: expected a study folder, one that holds study.yaml, got {there}")
    return folder


def _begun(config: StudyConfig, folder: Path) -> bool:
    """Whether the folder already holds this very study; any other content is refused."""
    from study.config import loading
    from study.config.messages import ConfigError, shown

    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [path.name for path in folder.iterdir()]
        strange = sorted(name for name in names if name not in OF_A_STUDY and not name.endswith(SUFFIX))
    except OSError as error:
        raise ConfigError(f"--out: expected a folder that can be written, got {folder} ({error.strerror})") from None
    if not (folder / "study.yaml").exists():
        if strange:
            raise ConfigError(f"--out: expected a new folder or this study's, got {folder}, which holds {strange[0]}")
        return False
    ours, theirs = (config.resolved() for config in (config, loading.load(folder / "study.yaml").config))
    for key in ours:
        if ours[key] != theirs[key]:
            raise ConfigError(
                f"--out: {folder} holds another study; its '{key}' is {shown(theirs[key])}, here {shown(ours[key])}."
                f" Give another --out, or `ganstudy resume {folder} --set KEY=VALUE` to extend it"
            )
    return True


def _bring(config: StudyConfig, folder: Path) -> None:
    """Fetch what the storage has of this study, if this machine has nothing of it."""
    from study.cluster.connection import temporary
    from study.config.messages import ConfigError
    from study.storage.mirror import fetch
    from study.storage.store import store_of

    if config.resources.storage is None:
        if temporary(folder):
            raise ConfigError(
                f"--out: expected a folder that stays, got {folder}, in the copy of the working directory that Ray"
                " deletes after the job; give an absolute --out, or resources.storage"
            )
        return
    if not (folder / "study.yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if fetch(store_of(config, folder), folder):
            print(f"brought the study from {config.resources.storage} to {folder}", file=sys.stderr)


def _exit_status(error: object) -> int | None:
    """Of an error that one message explains; None where only a traceback can."""
    from study.config.messages import ConfigError
    from study.ledger.lock import StudyBusy

    if isinstance(error, (ConfigError, StudyBusy)):
        return BAD_INPUT
    return FAILED if isinstance(error, OSError) else None


def _print_json(value: Any) -> None:
    """Strictly JSON: what is not finite becomes null."""
    finite = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
    print(json.dumps(finite, indent=2))


def _say(message: str) -> None:
    """One message on stderr, printable whatever the input held."""
    printable = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)
    if len(printable) > LONGEST_MESSAGE:
        printable = printable[:LONGEST_MESSAGE] + " …"
    print(f"ganstudy: {printable}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
