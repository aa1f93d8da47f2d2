"""The page in a real browser, opened from disk: choices are kept, counted and saved."""

import csv
import shutil
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.labels import page
from analysis.labels.cards import draw

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,1400")
PATIENCE = 60.0  # seconds
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="needs Debian's chromium and chromium-driver"),
]


@pytest.fixture(scope="module")
def shown(record, study, tmp_path_factory):
    """Four cards and their page; the first trial's name has a comma and a quotation mark."""
    first, *others = draw(record, study, 4, 0)
    cards = [replace(first, curves=replace(first.curves, trial_id='search-a,"b"-0000')), *others]
    return cards, page.write(cards, tmp_path_factory.mktemp("labels"), "rings")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    selenium = pytest.importorskip("selenium.webdriver")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path_factory.mktemp("saved"))})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    browser = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    browser.saved = options.experimental_options["prefs"]["download.default_directory"]
    yield browser
    browser.quit()


def choose(driver, number, outcome):
    box = driver.find_element("css selector", f'[name="card-{number}"][value="{outcome}"]')
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)  # away from the bar below
    box.click()


def count(driver):
    return driver.find_element("id", "count").text


def test_choices_are_counted_kept_and_saved(shown, driver, tmp_path):
    cards, path = shown
    driver.get(path.as_uri())
    assert count(driver) == "0 of 4 labelled"
    choose(driver, 1, "collapsed")
    choose(driver, 3, "diverged")
    choose(driver, 3, "cannot tell")
    assert count(driver) == "2 of 4 labelled"
    driver.refresh()
    assert count(driver) == "2 of 4 labelled"
    driver.find_element("id", "save").click()
    rows = saved(driver)
    assert rows[0] == ["study", "trial_id", "seed", "label"]
    whose = [[card.curves.study, card.curves.trial_id, str(card.curves.seed)] for card in cards]
    assert rows[1:] == [[*one, label] for one, label in zip(whose, ["collapsed", "", "cannot tell", ""], strict=True)]


def test_another_draw_of_the_study_shows_what_was_chosen_and_another_study_does_not(shown, driver, tmp_path):
    cards, path = shown
    driver.get(path.as_uri())
    choose(driver, 1, "collapsed")
    driver.get(page.write(cards[:1], tmp_path / "again", "rings").as_uri())
    assert count(driver) == "1 of 1 labelled"
    driver.get(page.write(cards[:1], tmp_path / "other", "grids").as_uri())
    assert count(driver) == "0 of 1 labelled"


def test_figures_are_shown_and_nothing_is_complained_of(shown, driver):
    driver.get(shown[1].as_uri())
    seen = "return [...document.querySelectorAll('.card .cut')].map((one) => one.getBoundingClientRect().width)"
    widths = driver.execute_script(seen)
    assert len(widths) == 4
    assert min(widths) > 800
    fetched = driver.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []
    assert driver.get_log("browser") == []
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_figures_are_dark_on_a_dark_page(shown, driver):
    paper = {}
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        driver.get(shown[1].as_uri())
        picture = driver.find_element("css selector", ".card svg")
        driver.execute_script("arguments[0].scrollIntoView({block: 'start'})", picture)
        with Image.open(BytesIO(picture.screenshot_as_png)) as image:
            pixels = np.asarray(image.convert("RGB"))
        colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
        paper[scheme] = colours[counts.argmax()].tolist()
    assert paper == {"light": [0xFF] * 3, "dark": [0x17, 0x18, 0x1C]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_narrow_page_has_the_halves_of_a_card_one_under_the_other(shown, driver):
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        driver.get(shown[1].as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390
        left, right = driver.find_elements("css selector", "#cards .card:first-child .panels svg")
        assert right.rect["y"] >= left.rect["y"] + left.rect["height"]
        for half in (left, right):
            assert half.rect["width"] > 7 / 5 * 244.8  # so that text of 7 points is 10 pixels high
            assert half.rect["x"] + half.rect["width"] < 390
        sideways = "return [...document.querySelectorAll('.wide')].some((one) => one.scrollWidth > one.clientWidth)"
        assert not driver.execute_script(sideways)
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_keys_choose(shown, driver):
    from selenium.webdriver import ActionChains, Keys

    driver.get(shown[1].as_uri())
    driver.execute_script("localStorage.clear()")
    driver.refresh()
    for key in (Keys.TAB, Keys.SPACE, Keys.ARROW_DOWN, Keys.TAB, Keys.SPACE):
        ActionChains(driver).send_keys(key).perform()
    chosen = "return [...document.querySelectorAll('input:checked')].map((one) => one.name + ' ' + one.value)"
    assert driver.execute_script(chosen) == ["card-1 stalled", "card-2 converged"]
    assert count(driver) == "2 of 4 labelled"
    groups = [one.accessible_name for one in driver.find_elements("css selector", "[role=radiogroup]")]
    assert groups[:2] == ["Replica 1", "Replica 2"]


def saved(driver):
    path, until = Path(driver.saved) / "labels.csv", time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.1)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
