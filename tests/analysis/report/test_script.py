import re
import shutil
import subprocess

import pytest

from analysis.report.script import SCRIPT


def test_the_script_is_small_and_fetches_nothing():
    assert len(SCRIPT) < 4000
    assert not re.search(r"fetch|XMLHttp|WebSocket|import|https?:|innerHTML|eval|document\.write", SCRIPT)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_is_javascript(tmp_path):
    path = tmp_path / "script.js"
    path.write_text(SCRIPT, encoding="utf-8")
    subprocess.run(["node", "--check", path], check=True, timeout=60)
