"""The command export: all tables of a study's report and its record, as files for a paper or a program."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from analysis import report
from analysis.report import exports
from analysis.wording import calling
from study.command.choice import choice_of, refusing
from study.command.folder import readable, refuse_irregular, refuse_own_places
from study.command.output import DONE, print_json
from study.config.messages import ConfigError
from study.record.sources import record_of


def export(options: Namespace) -> int:
    """Write the files, and print their paths; none is written where the record or an option is refused."""
    if options.dir.is_dir():
        refuse_irregular(readable(options.dir))
    with record_of(options.dir) as record:
        paths = _write(record, options)
    if options.json:
        print_json({"files": [str(path) for path in paths]})
    else:
        print(*paths, sep="\n")
    return DONE


def _write(record: Path, options: Namespace) -> list[Path]:
    choice = choice_of(options)
    with refusing(), calling(choice.labels):
        findings = report.find(report.read([record], choice.metrics), choice=choice)
        tables = report.every_table(findings, options.dir)
    out = options.out or options.dir / "export"
    refuse_own_places("--out", out, options.dir)
    try:
        return exports.write_tables(tables, out, options.kind) + exports.write_record(record, out, options.kind)
    except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise ConfigError(f"--out: expected a folder that can be written, got {out} ({error.strerror})") from None
