"""The page in a real browser: it loads nothing from outside, scrolls nowhere sideways, and shows its pictures."""

import shutil
import subprocess
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PATIENCE = 30.0  # seconds
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


def test_a_dark_system_has_a_dark_page_with_dark_figures_and_prints_a_light_one(written, driver):
    def shown(scheme):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        driver.get((written / "report" / "index.html").as_uri())
        (bars,) = driver.find_elements("css selector", "#stability figure:first-of-type svg:first-child")
        with Image.open(BytesIO(bars.screenshot_as_png)) as image:
            return np.asarray(image.convert("RGB"), int)

    green, light, dark = np.array([0x00, 0x9E, 0x73]), shown("light"), shown("dark")
    for pixels, paper in ((light, [0xFF] * 3), (dark, [0x17, 0x18, 0x1C])):
        assert (pixels == paper).all(axis=2).mean() > 0.3
        assert (np.abs(pixels - green).max(axis=2) < 3).sum() > 2000
    assert not (dark.min(axis=2) > 240).any()
    assert (dark.min(axis=2) > 200).sum() > 200  # text
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [feature]})
    for one in ("body", "figure svg"):
        ground = f"return getComputedStyle(document.querySelector('{one}')).backgroundColor"
        assert driver.execute_script(ground) == "rgb(255, 255, 255)"


def test_it_prints(written, tmp_path):
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, written / "report" / "index.html", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 3 <= content.count(b"/Type /Page\n") <= 40


@pytest.fixture
def driver(tmp_path):
    if DRIVER is None:
        pytest.skip("needs Debian's chromium-driver (apt-get install chromium-driver)")
    selenium = pytest.importorskip("selenium.webdriver")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS[1:], "--headless=new", "--window-size=1280,900", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    browser = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    yield browser
    browser.quit()


def waited(what):
    """What is so within a while; None otherwise."""
    end = time.monotonic() + PATIENCE
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_pointing_tells_values_arms_go_off_and_samples_are_leafed_through(written, driver):
    from selenium.webdriver import ActionChains

    driver.get((written / "report" / "index.html").as_uri())
    find = driver.find_elements
    (mark,) = [one for one in find("css selector", "circle") if "seed 10000" in one.get_attribute("innerHTML")][:1]
    driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", mark)
    ActionChains(driver).move_to_element(mark).perform()
    (tip,) = find("css selector", ".tip")
    assert waited(lambda: "seed" in tip.text)
    ActionChains(driver).send_keys("\ue00c").perform()  # Escape
    assert waited(lambda: not tip.is_displayed())
    switch = find("css selector", ".switches button")[0]
    switch.send_keys(" ")
    assert switch.get_attribute("aria-pressed") == "false"
    off = find("css selector", "svg .off")
    assert off
    assert not any(one.is_displayed() for one in off)
    assert {one.get_attribute("data-arm") for one in off} == {"0"}
    switch.send_keys(" ")
    assert not find("css selector", "svg .off")
    (following,) = [one for one in find("css selector", ".leafing button") if one.get_attribute("value") == "1"]
    following.click()
    assert find("css selector", ".leafing output")[0].text == "2 of 2"
    second = find("css selector", ".leaf img")[1]
    shown = "return arguments[0].naturalWidth > 0 && arguments[0].getBoundingClientRect().left < innerWidth"
    assert waited(lambda: driver.execute_script(shown, second))
    assert not driver.get_log("browser")


def test_all_has_one_left_edge_and_a_table_s_first_column_stays_on_a_narrow_page(written, driver):
    driver.get((written / "report" / "index.html").as_uri())
    edges = "return [...document.querySelectorAll('main > p, .wide')].map((one) => one.getBoundingClientRect().left)"
    assert len(set(driver.execute_script(edges))) == 1
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    )
    assert driver.execute_script("return document.documentElement.scrollWidth") == 390
    moved = (
        "const box = [...document.querySelectorAll('.wide')].find((one) => one.scrollWidth > one.clientWidth + 200);"
        "box.scrollLeft = 200;"
        "return box.querySelector('td').getBoundingClientRect().left - box.getBoundingClientRect().left"
    )
    assert driver.execute_script(moved) == 0
