"""What a person sees of a study in MLflow's pages, in a real browser."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config import loading
from study.config.schema import StudyConfig
from study.tracking import Tracker
from study.tracking.server import free_port
from study.tracking.views import ARMS, query

pytestmark = pytest.mark.browser
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--window-size=1500,1100",
)  # fmt: skip
PATIENCE = 60.0  # seconds for a page on a busy machine


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    selenium = pytest.importorskip("selenium.webdriver")
    if not CHROMIUM or not DRIVER:
        pytest.skip("Debian's chromium and chromium-driver are not installed")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    port = free_port()
    code = f"from study.tracking import serve; serve({str(folder)!r}, port={port})"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "MLflow: " in process.stdout.readline()
        yield f"http://127.0.0.1:{port}/#"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(driver: Any, seen: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < until, f"{what} did not show in {PATIENCE} s: {text(driver)[-500:]}"
        time.sleep(0.3)


def text(driver: Any) -> str:
    return str(driver.execute_script("return document.body.innerText"))


@pytest.fixture
def config(config: StudyConfig) -> StudyConfig:
    """The study's, with an arm for each of two objectives."""
    arms, budget = {"objective": ["hinge", "wasserstein"]}, {"steps": 20, "evaluations": 2, "batch_size": 8}
    search = {"trials_per_arm": 2, "metric": "fid"}
    return loading.build(config.resolved() | {"scientific": arms, "budget": budget, "search": search}).config


def expand(driver: Any, name: str) -> None:
    """Show the runs under a run."""
    row = next(one for one in driver.find_elements("css selector", "[row-id]") if name in one.text)
    row.find_element("css selector", "button").click()


def test_the_view_of_arms_runs_nested_twice_charts_and_pictures(
    folder: Path, config: StudyConfig, write: Any, trial: Any, tmp_path: Path
) -> None:
    """The page that `ui` names lists the study and its arm; the list without a filter nests trials under the arm; a
    trial has a chart of the FID, and the sample pictures."""
    story = trial(0)
    means = np.array([[-2.0, 0.0], [2.0, 0.0]])
    path = folder / "trials" / "search-hinge-0000" / "pictures" / "00000020.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, samples=np.zeros((4, 50, 2), np.float32), seeds=np.arange(4), means=means, stds=np.full(2, 0.1))
    story[2]["pictures"] = path.relative_to(folder).as_posix()
    write(*story, *trial(1))
    tracker = Tracker(folder, config)
    tracker.start()
    assert tracker.drain(60, "FINISHED") == 0
    tracker.close()

    with browser(tmp_path / "profile") as driver, pages(folder) as address:
        driver.get(f"{address}/experiments")
        wait_for(driver, lambda: "ring-study" in text(driver), "the experiment")
        driver.get(f"{address}/experiments/1/runs{query()}")
        wait_for(driver, lambda: bool(driver.find_elements("css selector", "[row-id] button")), "the study's run")
        assert "hinge" not in text(driver)
        expand(driver, "ring-study")
        wait_for(driver, lambda: "hinge" in text(driver), "the run of its arm")
        assert "search-hinge-0000" not in text(driver)
        expand(driver, "hinge")
        wait_for(driver, lambda: "search-hinge-0000" in text(driver), "the runs of its trials")
        link = driver.find_element("partial link text", "search-hinge-0000").get_attribute("href").partition("?")[0]
        driver.get(f"{link}/model-metrics")
        wait_for(driver, lambda: "fid_q25" in text(driver).split(), "the charts of the FID and its quartile")
        pictures = "return [...document.images].filter(i => i.naturalWidth > 200).length"
        for part in driver.find_elements("css selector", "[data-testid]"):
            driver.execute_script("arguments[0].scrollIntoView()", part)
        driver.execute_script("document.body.scrollTop = 1e6")
        wait_for(driver, lambda: driver.execute_script(pictures) > 0, "the sample pictures")
        driver.get(f"{address}/experiments/1/runs{query(ARMS)}")
        wait_for(driver, lambda: "Study and arms" in text(driver) and "hinge" in text(driver), "the view of the arms")
        assert {"Model training", "fid", "share_converged"} <= set(text(driver).splitlines())
