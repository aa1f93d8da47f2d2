"""The commands about one study: check, run, resume, status and ui.

What imports Ray or MLflow is imported by the command that needs it, so that `check` starts without either.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis.record.loading import load
from analysis.record.metadata import stated
from analysis.results.pilot import Pilot, pilot
from analysis.wording import counted
from study.command.folder import bring, ensure_folder, study_folder, unless_refused, writable
from study.command.output import DONE, FAILED, print_json, say
from study.command.own import admitted, refuse_strange_places, study_of
from study.config import loading
from study.config.messages import ConfigError
from study.config.notes import notes
from study.config.readiness import ready
from study.progress.calibration import calibrate
from study.progress.forecast import forecast
from study.progress.power import power_forecast
from study.progress.status import status as status_of
from study.progress.tables import show_beginning, show_forecast, show_status


def check(options: Namespace) -> int:
    """Validate a configuration; print its arms, trials, expected cost, and what differences it can find."""
    plan = options.plan
    odd = ready(plan)
    if options.detect is not None and not 0 < options.detect < 1:
        raise ConfigError(f"--detect: expected a number between 0 and 1, got {options.detect:g}")
    plan = admitted(plan, study_of(options.config), options.trust)
    expected, power = forecast(plan, calibrate(plan)), power_forecast(plan, options.detect, _pilot(options.pilot))
    expected = replace(expected, warnings=(*expected.warnings, *odd))
    if options.json:
        found = power and power.to_dict()
        print_json({**expected.to_dict(), "power": found, "config": plan.config.resolved()})
    else:
        show_forecast(plan.config, expected, power)
    return DONE


def run(options: Namespace) -> int:
    """Run a study, or go on with it where it has begun."""
    plan = options.plan
    odd = ready(plan)
    plan = admitted(plan, study_of(options.config), options.trust)
    folder = options.out or Path("studies") / plan.config.study
    with unless_refused(folder):
        bring(plan.config, folder)
        resuming = ensure_folder(plan, folder)

        def begun() -> None:
            for warning in () if resuming else (*notes(plan), *odd):
                say(f"note: {warning}")
            show_beginning(plan.config, forecast(plan), folder, resuming)

        def start() -> int:
            from study import run as engine

            return engine.resume_study(folder, begun=begun) if resuming else engine.run_study(plan, folder, begun)

        return _reported(options, folder, start)


def resume(options: Namespace) -> int:
    """Finish an interrupted study, or extend it."""
    folder = writable(study_folder(options.dir))
    plan = loading.load(folder / loading.STUDY_FILE, options.set)
    refuse_strange_places(loading.load(folder / loading.STUDY_FILE).config, folder, options.trust)
    ready(plan)
    admitted(plan, folder, options.trust)

    def begun() -> None:
        show_beginning(plan.config, forecast(plan), folder, resuming=True)

    def start() -> int:
        from study import run as engine

        return engine.resume_study(folder, options.set, options.retry_failed, begun)

    return _reported(options, folder, start)


def status(options: Namespace) -> int:
    """Say what of a study is done, running, failed and missing."""
    found = status_of(study_folder(options.dir))
    if options.json:
        print_json(found.to_dict())
    else:
        show_status(found)
    return DONE


def ui(options: Namespace) -> int:
    """Serve MLflow's pages of a study until interrupted."""
    if options.port is not None and not 0 < options.port < 65536:
        raise ConfigError(f"--port: expected a number from 1 to 65535, got {options.port}")
    folder = study_folder(options.dir)
    from study.tracking import ServerError, serve

    try:
        serve(folder, host=options.host, port=options.port)
    except FileNotFoundError as error:
        raise ConfigError(str(error)) from None
    except ServerError as error:
        say(str(error))
        return FAILED
    return DONE


def _pilot(folder: Path | None) -> Pilot | None:
    if folder is None:
        return None
    try:
        record = load(folder)
        found = pilot(record)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--pilot: expected the folder of a record with confirmed replicas; {error}") from None
    if damaged := stated(record.about, "damaged", 0):
        where = counted(damaged, "place")
        say(f"note: --pilot: {where} of its ledger could not be read: what stood there is not in its record")
    return found


def _reported(options: Namespace, folder: Path, start: Callable[[], int]) -> int:
    """Start, and with `--json` print the study's status."""
    exit_status = start()
    if options.json:
        print_json(status_of(folder).to_dict())
    return exit_status
