"""What is printed where."""

import json

import pytest

from study.command.output import json_alone, print_json


def test_json_is_alone_on_stdout_whatever_else_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with json_alone():
        print("own code")
        print_json({"best": float("inf")})
    print("afterwards")
    out, err = capsys.readouterr()
    assert json.loads(out.removesuffix("afterwards\n")) == {"best": None}
    assert err == "own code\n"


def test_stdout_is_itself_again_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="own code"), json_alone():
        raise RuntimeError("own code")
    print_json([])
    assert capsys.readouterr().out == "[]\n"
