"""The command line: what can be written on it, which function does it, and how it ends.

Exit status 0: done; 1: failed; 2: bad input, with one message on stderr and nothing started; 130: interrupted; 141:
the reader of a pipe left early, as `head` does. With `--json` stdout holds one JSON object and nothing else. A
command's module is imported only when the command is run, so that `--help` and wrong arguments are answered at once,
and after the configuration that it is about was checked.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from pkgutil import resolve_name
from typing import NoReturn

from study.command.output import BAD_INPUT, FAILED, INTERRUPTED, json_alone, say
from study.command.process import UNREAD, importing, prepare, unread
from study.config.messages import shown
from trainables.checks import meant

RESUMABLE = ("study.command.study:run", "study.command.study:resume", "study.command.reproduce:reproduce")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = argparse.Namespace(function="")
    try:
        parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments), options)
        prepare()
        with importing(options.function.partition(":")[0]):
            _load(options)
            function = resolve_name(options.function)
        with json_alone() if getattr(options, "json", False) else nullcontext():
            exit_status = int(function(options))
        sys.stdout.flush()
        return exit_status
    except KeyboardInterrupt:
        resumable = options.function in RESUMABLE
        say("interrupted" + "; the same command goes on from what was done" * resumable)
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and unread():
            return UNREAD
        cause = getattr(error, "cause", None) or error  # what a remote worker raised
        explained = _exit_status(cause)
        if explained is None:
            raise
        say(_told(cause))
        return explained


def _load(options: argparse.Namespace) -> None:
    """Give a command about a configuration file its `plan`. Raises `ConfigError`.

    A file that cannot be read need not wait for PyTorch, which `loading` brings, nor what is wrong in it for all that
    the command's module brings besides.
    """
    if "config" in options:
        from study.config.reading import read

        values = read(options.config, options.set)
        from study.config.loading import build

        options.plan = build(values)


class _Parser(argparse.ArgumentParser):
    """A parser that says of a choice which there is not which one is probably meant."""

    def error(self, message: str) -> NoReturn:
        if found := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            message += meant(found[1], re.findall(r"[\w-]+", found[2]))
        super().error(message)


class _Version(argparse.Action):
    """Prints the version and ends; it is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"ganstudy {version('ganstudy')}")
        except PackageNotFoundError:
            print("ganstudy, from a source tree that was not installed")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """All commands with their options; `function` of what it parses is where the command's function stands."""
    every = _Parser(
        prog="ganstudy",
        description="Settles by experiment which adversarial objectives train stably.",
        allow_abbrev=False,
    )
    every.add_argument("--version", action=_Version, nargs=0, help="print ganstudy's version")
    commands = every.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function: str, about: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        added.set_defaults(function=f"study.command.{function}")
        return added

    _init(
        command("init", "init:init", "Write a configuration to begin from, or a copy of one that comes with ganstudy.")
    )
    about = "Validate a configuration; print its arms, trials, expected cost, and what differences it can find."
    check = command("check", "study:check", about)
    check.add_argument("config", metavar="CONFIG", type=_path)
    _json(check)
    _settings(check)
    _trust(check)
    _power(check)
    run = command("run", "study:run", "Run a study, or go on with it where it has begun.")
    run.add_argument("config", metavar="CONFIG", type=_path)
    _json(run)
    _settings(run)
    _trust(run)
    run.add_argument("--out", metavar="DIR", type=_path, help="the study folder (default: studies/NAME)")
    resume = command("resume", "study:resume", "Finish an interrupted study, or extend it by --set.")
    resume.add_argument("dir", metavar="DIR", type=_path)
    _json(resume)
    _settings(resume)
    _trust(resume)
    resume.add_argument("--retry-failed", action="store_true", help="train the trials that failed again")
    about = "Run a paper's study, or go on with it, and hold its numbers against the published ones."
    _reproduce(command("reproduce", "reproduce:reproduce", about))
    status = command("status", "study:status", "Say what of a study is done, running, failed and missing.")
    status.add_argument("dir", metavar="DIR", type=_path)
    _json(status)
    _report(command("report", "report:report", "Write a study's report, or one of records from anywhere, joined."))
    about = "Write all tables of a study's report, and its record, as files for a paper or a program."
    _export(command("export", "export:export", about))
    _sample(
        command("sample", "sample:sample", "Draw samples of a generator that a study kept, as .npz or as pictures.")
    )
    about = "Measure the generators that a study kept again, and add columns to its record."
    _measure(command("measure", "measure:measure", about))
    about = "Write a study's searches as studies of Optuna, for optuna-dashboard and Optuna's plots."
    found = command("optuna", "optuna:optuna", about)
    found.add_argument("dir", metavar="DIR", type=_path, help="a study folder")
    found.add_argument("--out", metavar="FILE", type=_path, help="the SQLite file (default: DIR/optuna.db)")
    _json(found)
    about = "Make a GIF and a strip of a trial's samples over its training."
    _animate(command("animate", "animate:animate", about))
    about = "Draw cards of replicas to label by eye, or hold a person's labels against the outcomes."
    _label(command("label", "label:label", about))
    about = "Show the guide: its pages, one of them, or a place on it, as errors name them."
    guide = command("docs", "docs:docs", about)
    guide.add_argument("page", metavar="PAGE", nargs="?", help="as in outcomes, or configuration#budget.steps")
    _json(guide)
    ui = command("ui", "study:ui", "Serve MLflow's pages of a study until interrupted.")
    ui.add_argument("dir", metavar="DIR", type=_path)
    ui.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s, this machine)")
    ui.add_argument("--port", type=int, help="the port to listen on (default: a free one)")
    about = "Explain what an objective does before any training: built in, or a pair of your own."
    _objective(command("objective", "objective:objective", about))
    return every


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object")


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", nargs="?", help="the study's name; NAME.yaml is written")
    command.add_argument(
        "--from", dest="source", metavar="CONFIG", default="beginning",
        help="what it is a copy of, as quickstart or papers/dirac (default: one that explains every setting)",
    )  # fmt: skip
    command.add_argument("--list", action="store_true", help="list what --from takes")
    _json(command)


def _reproduce(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="the paper's, as dirac; `ganstudy init --list` has papers/NAME")
    command.add_argument("--short", action="store_true", help="by the settings that take less, which it names")
    command.add_argument("--out", metavar="DIR", type=_path, help="the study folder (default: studies/STUDY)")
    _json(command)
    _settings(command)


def _settings(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[],
        help="change a setting, as in search.trials_per_arm=3; may be repeated",
    )  # fmt: skip


def _trust(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--trust", action="store_true",
        help="import the code (module:attribute) and use the places (tracking.uri, resources.storage) that a study"
        " folder names, although another user began the study",
    )  # fmt: skip


def _power(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--detect", metavar="DIFFERENCE", type=float,
        help="say how many repeats or replicas find shares so far apart, as in 0.2 for 40 and 60 %%, and quality with"
        " P(better) = 0.5 + DIFFERENCE",
    )  # fmt: skip
    command.add_argument(
        "--pilot", metavar="DIR", type=_path,
        help="take variances from this study's record, best one with search.repeats, rather than typical ones",
    )  # fmt: skip


def _report(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a study folder, a folder with history.parquet and trials.parquet, or a study's MLflow run: runs:/RUN_ID",
    )
    command.add_argument(
        "--out", metavar="DIR", type=_path,
        help="where records and report go; needed but for a single study folder, which keeps its own",
    )  # fmt: skip
    command.add_argument("--tracking", metavar="URI", help="where MLflow is (default: MLFLOW_TRACKING_URI)")
    command.add_argument(
        "--same-within", metavar="MARGIN", type=float,
        help="say which arms are the same within a margin, as 0.05: 5 percentage points of a share, 5 %% of quality;"
        " over data sets also 5 points of the probability of being better",
    )  # fmt: skip
    _choice(command)
    command.add_argument(
        "--style", metavar="FILE", type=_path,
        help="draw the figures by these settings of matplotlib's, as of an .mplstyle; axes.prop_cycle colours the arms",
    )  # fmt: skip
    command.add_argument(
        "--bundle", action="store_true", help="also write report.zip: page, figures, tables and record, to be sent"
    )
    _json(command)


def _choice(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--arms", metavar="NAMES",
        help="show these arms alone, as in gan-hinge,gan-least_squares; tests stay corrected for all pairs",
    )  # fmt: skip
    command.add_argument(
        "--metrics", metavar="NAMES",
        help="measurements of quality to show, as in fid,precision,recall (default: the study's, and some others in the"
        " table metrics-PHASE)",
    )  # fmt: skip
    command.add_argument(
        "--label", metavar="NAME=WORDS", action="append", default=[],
        help="call an arm or a measurement so, as in gan-hinge-r1_1='Hinge + R1'; may be repeated",
    )  # fmt: skip
    command.add_argument("--labels", metavar="FILE", type=_path, help="the same from a YAML file, lines of NAME: WORDS")


def _export(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", metavar="DIR", type=_path, help="a study folder, or one with a record's two files")
    kind = command.add_mutually_exclusive_group(required=True)
    for name, words in (("csv", "CSV"), ("parquet", "Parquet"), ("latex", "LaTeX (booktabs), the tables alone")):
        kind.add_argument(f"--{name}", dest="kind", action="store_const", const=name, help=f"as {words}")
    command.add_argument("--out", metavar="FOLDER", type=_path, help="where they go (default: DIR/export)")
    _choice(command)
    _json(command)


def _of_trial(command: argparse.ArgumentParser, trial: str) -> None:
    command.add_argument("dir", metavar="DIR", type=_path, help="a study folder")
    command.add_argument("--arm", metavar="ARM", help="one of the study's arms")
    command.add_argument("--trial", metavar="TRIAL_ID", help=trial)


def _weights(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--weights", choices=("average", "raw"), default="average",
        help="those that were measured, or those that trained (default: %(default)s)",
    )  # fmt: skip


def _animate(command: argparse.ArgumentParser) -> None:
    _of_trial(command, "one trial, rather than the arm's winner")
    command.add_argument("--seed", type=int, help="of one replica (default: all whose samples were saved)")
    command.add_argument("--out", metavar="FOLDER", type=_path, help="where both go (default: DIR/animations)")
    command.add_argument("--seconds", type=float, default=0.5, help="each picture is shown for (default: %(default)s)")
    _json(command)


def _measure(command: argparse.ArgumentParser) -> None:
    _of_trial(command, "one trial, rather than all that were kept")
    command.add_argument(
        "--measure", metavar="NAMES", required=True,
        help="groups or columns, as in kernel,sliced or precision,recall",
    )  # fmt: skip
    _weights(command)
    _json(command)
    _trust(command)


def _sample(command: argparse.ArgumentParser) -> None:
    _of_trial(command, "one trial, rather than the arm's winner")
    command.add_argument("--seed", type=int, help="of the replica (default: the first that did not diverge)")
    command.add_argument("--count", metavar="N", type=int, default=1000, help="samples (default: %(default)s)")
    command.add_argument("--out", metavar="PATH", type=_path, required=True, help="a file .npz, or a folder for PNGs")
    command.add_argument(
        "--label", metavar="K", type=int, help="a class, of a conditional model (default: all in turn)"
    )
    _weights(command)
    _json(command)
    _trust(command)


def _label(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", metavar="DIR", type=_path, help="a study folder, whose pictures the cards show")
    command.add_argument("--count", metavar="N", type=int, default=40, help="replicas to draw (default: %(default)s)")
    command.add_argument("--seed", metavar="S", type=int, default=0, help="of the draw (default: %(default)s)")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--out", metavar="FOLDER", type=_path, help="where the page goes (default: DIR/labels)")
    what.add_argument(
        "--sheets", metavar="FOLDER", type=_path,
        help="write the cards as PNG sheets instead, and key.csv, which says whose they are",
    )  # fmt: skip
    what.add_argument(
        "--labels", metavar="CSV", type=_path,
        help="print the confusion table of these labels (study, trial_id, seed, label) and the outcomes",
    )  # fmt: skip
    _json(command)


def _objective(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="a built-in objective, a row in Python as module:attribute, or a name for --f and --g",
    )
    command.add_argument("--all", action="store_true", help="a table of all built-in objectives")
    command.add_argument("--f", metavar="EXPR", help="f as a formula of d, as in -softplus(-d)")
    command.add_argument("--g", metavar="EXPR", help="g likewise")
    command.add_argument(
        "--generator", metavar="LOSS",
        help="what the generator minimises: saturating, non_saturating, critic_mean, or a formula of d, f and g, as -f",
    )  # fmt: skip
    command.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[],
        help="a parameter of a built-in objective, as in alpha=2; may be repeated",
    )  # fmt: skip
    command.add_argument(
        "--pairing", metavar="NAME", default="independent",
        help="what f and g are applied to: independent (default), relativistic or relativistic_average",
    )  # fmt: skip
    command.add_argument(
        "--ratios", nargs=3, metavar=("LOW", "HIGH", "N"), help="density ratios (default: 1e-4 1e4 161)"
    )
    command.add_argument("--plot", metavar="FILE", type=_path, help="draw it, as PNG, PDF or SVG by the file's ending")
    _json(command)


def _path(text: str) -> Path:
    """A path that can be followed to its end, whether or not anything is there; an empty one, as of a variable that is
    not set, is none, although Python has it for the working directory."""
    try:
        if not text:
            raise ValueError("which is empty")
        Path(text).resolve()
        Path(text).exists()
    except (RuntimeError, OSError, ValueError) as error:  # a loop of links is a RuntimeError before Python 3.13
        said = getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"expected a path, got {shown(text)} ({said})") from None
    return Path(text)


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


def _told(error: object) -> str:
    """An error's message: of the system's the file and what was wrong, as other commands have it, without a number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename is not None else error.strerror
    if isinstance(error, MemoryError):
        return str(error) or "more memory was needed than there is"
    return str(error)


def _exit_status(error: object) -> int | None:
    """The exit status of an error that its message explains; None for one that needs a traceback."""
    from study.config.messages import ConfigError
    from study.ledger.lock import StudyBusy

    if isinstance(error, (ConfigError, StudyBusy)):
        return BAD_INPUT
    if isinstance(error, (OSError, MemoryError)):
        return FAILED
    from analysis.record.loading import RecordError  # brings pandas, which most errors do without

    return BAD_INPUT if isinstance(error, RecordError) else None
