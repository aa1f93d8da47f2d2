"""The page in a real browser: it loads nothing from outside, scrolls nowhere sideways, and shows its pictures."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.xdist_group("report"),
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"),
]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")


def browse(tmp_path, page, *options):
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_a_screenshot_shows_the_page(written, tmp_path):
    shot = tmp_path / "shot.png"
    browse(tmp_path, written / "report" / "index.html", f"--screenshot={shot}", "--window-size=900,2400")
    with Image.open(shot) as image:
        assert image.size == (900, 2400)
        pixels = np.asarray(image.convert("RGB"), int)
    assert (pixels[:, :20] == 255).all()  # margins stay white: nothing is wider than the page
    assert (pixels[:, -20:] == 255).all()
    converged = np.array([0x00, 0x9E, 0x73])  # the green of the bars
    assert (np.abs(pixels - converged).max(axis=2) < 3).sum() > 2000
    assert (pixels.max(axis=2) < 60).sum() > 2000  # text


def test_a_narrow_window_is_not_overflown(written, tmp_path):
    shot = tmp_path / "shot.png"
    browse(tmp_path, written / "report" / "index.html", f"--screenshot={shot}", "--window-size=500,1500")
    with Image.open(shot) as image:
        assert (np.asarray(image.convert("RGB"))[:, -8:] == 255).all()


def test_a_dark_system_has_a_dark_page_with_light_figures(written, tmp_path):
    shot = tmp_path / "shot.png"
    dark = "--blink-settings=preferredColorScheme=0"
    browse(tmp_path, written / "report" / "index.html", f"--screenshot={shot}", "--window-size=1280,2400", dark)
    with Image.open(shot) as image:
        pixels = np.asarray(image.convert("RGB"), int)
    assert (pixels[:, :20].max(axis=2) < 60).all()
    white = (pixels == 255).all(axis=2)
    assert white.sum(axis=1).max() > 600  # across a figure
    assert (pixels[:400].min(axis=2) > 200).sum() > 500  # text


def test_it_prints(written, tmp_path):
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, written / "report" / "index.html", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 3 <= content.count(b"/Type /Page\n") <= 40
