"""The example page of the browser package in a real browser: Chromium, driven by its own driver.

RFA_SCREENSHOTS=FOLDER keeps what it looks like.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rfa_bench.processes.site import Site, serving_page
from rfa_runtime.tasks.conversation import Conversation
from rfa_runtime.tasks.language import Decoder

pytest.importorskip("selenium", reason="selenium is not installed: the page cannot be driven")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WEB = Path(__file__).parents[2] / "runtime" / "web"
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(DRIVER is None, reason="there is no chromedriver: the page cannot be driven"),
    pytest.mark.skipif(not (WEB / "node_modules").exists(), reason="runtime/web/node_modules is missing: make web"),
]
PROMPT = "Once upon a time"
DESKTOP = (1200, 1000)
PHONE = (390, 900)


@pytest.fixture
def site(stories: Path) -> Iterator[Site]:
    """The page with the storyteller."""
    with serving_page(WEB, stories) as found:
        yield found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(word)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    complaints = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    driver.quit()
    assert not complaints


def look(browser: Any, page: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
    """Open the page in a window of this size."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(page)
    wait(lambda: at(browser, "state").text != "-")


def wait(until: Callable[[], bool]) -> None:
    for _ in range(600):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def at(browser: Any, name: str) -> Any:
    return browser.find_element(By.ID, name)


def story(browser: Any) -> str:
    return str(at(browser, "story").get_property("textContent"))


def status(browser: Any) -> str:
    return str(at(browser, "status").text)


def fill(browser: Any, **values: object) -> None:
    for name, value in values.items():
        at(browser, name).clear()
        at(browser, name).send_keys(str(value))


def written(bundle: Path, count: int, **settings: Any) -> str:
    """By rfa-run: the prompt and its text."""
    return PROMPT + Decoder(bundle).generate(PROMPT, max_new_tokens=count, **settings).text


def keep_picture(browser: Any, name: str) -> None:
    folder = os.environ.get("RFA_SCREENSHOTS")
    if folder is not None:
        browser.save_screenshot(str(Path(folder) / f"web-{name}.png"))


def test_the_page_writes_what_rfa_run_writes(browser: Any, site: Site, stories: Path) -> None:
    look(browser, site.page)
    fill(browser, prompt=PROMPT, temperature=0.6, seed=3, tokens=256)
    at(browser, "write").click()
    wait(lambda: status(browser) == "Done")
    assert story(browser) == written(stories, 256, seed=3, temperature=0.6)
    keep_picture(browser, "desktop")


def test_a_reload_in_the_middle_goes_on(browser: Any, site: Site, stories: Path) -> None:
    look(browser, site.page, PHONE, "dark")
    fill(browser, prompt=PROMPT, temperature=0, tokens=0)
    at(browser, "prompt").send_keys(Keys.CONTROL, Keys.ENTER)
    wait(lambda: len(story(browser)) > 2000)
    browser.refresh()
    wait(lambda: len(story(browser)) > 6000)
    at(browser, "prompt").send_keys(Keys.ESCAPE)
    wait(lambda: status(browser) == "Stopped")
    keep_picture(browser, "phone-dark")
    count = int(at(browser, "count").text.replace(",", ""))
    assert story(browser) == written(stories, count, temperature=0, ignore_eos=True)


def test_weights_are_loaded_once(browser: Any, site: Site) -> None:
    for visits in (1, 2):
        look(browser, site.page)
        assert sum("model.onnx.data" in path for path in site.asked) == 1
        assert sum("manifest.json" in path for path in site.asked) == visits


def test_a_saved_story_goes_on_in_python_and_back(browser: Any, site: Site, stories: Path, tmp_path: Path) -> None:
    look(browser, site.page)
    fill(browser, prompt=PROMPT, temperature=0, tokens=40)
    at(browser, "write").click()
    wait(lambda: status(browser) == "Done")
    at(browser, "save").click()
    state = tmp_path / "downloads" / "story.state"
    wait(state.exists)
    talk = Conversation.load(Decoder(stories), state)
    then = [piece.text for piece in talk.write(max_new_tokens=40, temperature=0)]
    talk.save(tmp_path / "later.state")
    eighty = written(stories, 80, temperature=0)
    assert story(browser) + "".join(then) == eighty
    at(browser, "file").send_keys(str(tmp_path / "later.state"))
    wait(lambda: status(browser) == "Done" and len(story(browser)) > 20)
    assert eighty + story(browser) == written(stories, 120, temperature=0)


def test_a_damaged_state_is_one_line(browser: Any, site: Site, tmp_path: Path) -> None:
    look(browser, site.page)
    (tmp_path / "bad.state").write_bytes(b"no state")
    at(browser, "file").send_keys(str(tmp_path / "bad.state"))
    wait(lambda: status(browser).startswith("no state, or a damaged one"))


def test_a_missing_bundle_is_one_line(browser: Any, site: Site) -> None:
    browser.get(site.page.replace("bundle=/bundle/", "bundle=/absent/"))
    wait(lambda: "gave the status 404" in status(browser))
    browser.get_log("browser")  # Chromium notes the 404 itself
