"""The command init: a configuration to begin from, or a copy of one that comes with ganstudy."""

from __future__ import annotations

import re
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import study
from analysis.wording import duration
from study.command.output import DONE, print_json
from study.config.messages import ConfigError, shown
from study.config.schema import NAME
from trainables.checks import close_to

BEGINNING = "beginning"  # what a study is copied from unless another is named


def init(options: Namespace) -> int:
    """Write NAME.yaml, or list what it may be copied from."""
    if options.list:
        return _list(options)
    if options.name is None:
        raise ConfigError("init: expected a NAME for the study, or --list, got neither")
    if not re.fullmatch(NAME, options.name):
        said = "at most 64 letters, digits, '_', '-' and '.', a letter or digit first, as it names files"
        raise ConfigError(f"NAME: expected {said}, got {shown(options.name)}")
    name = options.name.removesuffix(".yaml")
    path = Path(f"{name}.yaml")
    _write(path, renamed(_source(options.source).read_text(encoding="utf-8"), name))
    if options.json:
        print_json({"config": str(path)})
    else:
        print(f"{path}: `ganstudy check {path}` says what it would cost, `ganstudy run {path}` runs it")
    return DONE


def shipped() -> dict[str, Path]:
    """The studies that come with ganstudy, by the names that `--from` takes; published set-ups are `papers/NAME`."""
    folder = _folder()
    files = [*folder.glob("*.yaml"), *folder.glob("papers/*.yaml")]
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(files)}


def about(text: str) -> str:
    """The first sentence of the comment that a configuration begins with."""
    lines = text.splitlines()
    end = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    comment = " ".join(line.removeprefix("#").strip() for line in lines[:end])
    return re.split(r"(?<=[.?])\s+(?=[A-Z`])", comment, maxsplit=1)[0]


def renamed(text: str, name: str) -> str:
    """A configuration of another study's name, its comments and everything else kept."""
    return re.sub(r"(?m)^study: \S+", f"study: {name}", text, count=1)


def _list(options: Namespace) -> int:
    if options.name is not None or options.source != BEGINNING:
        raise ConfigError("--list: expected alone or with --json, got a NAME or --from with it")
    from study.config.loading import load  # both import torch, which writing a file need not wait for
    from study.progress.forecast import forecast

    found = {name: about(path.read_text(encoding="utf-8")) for name, path in shipped().items()}
    expected = {name: forecast(load(path)) for name, path in shipped().items()}
    if options.json:
        core_seconds = {name: one.core_seconds for name, one in expected.items()}
        print_json({"configurations": found, "core_seconds": core_seconds})
        return DONE
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from study.progress.tables import terminal

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("--from", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for title in ("trials", "core time"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, sentence in found.items():
        table.add_row(name, Text(sentence), f"{expected[name].trials:,}", duration(expected[name].core_seconds))
    console = terminal()
    console.print(table)
    console.print(
        "core time: of one core of an AMD EPYC of 2026, right within a factor of two or so; what a GPU gains is"
    )
    console.print("not in it. `ganstudy check` measures what a study takes here.")
    return DONE


def _folder() -> Path:
    """Within the package where it is installed, beside it in a clone."""
    package = Path(str(study.__file__)).parent
    within = package / "configs"
    return within if within.is_dir() else package.parent / "configs"


def _source(name: str) -> Path:
    there = shipped()
    if name not in there:
        raise ConfigError(f"--from: no configuration {shown(name)} comes with ganstudy{close_to(name, there)}")
    return there[name]


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            f"NAME: expected the name of a new study, got one whose {path} is there already; give another, or remove it"
        ) from None
    except OSError as error:
        with suppress(OSError):  # a disk that is full leaves a beginning
            path.unlink()
        raise ConfigError(f"NAME: expected a folder that can be written, got {Path.cwd()} ({error.strerror})") from None
