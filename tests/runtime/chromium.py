"""Chromium, driven by its own driver, and what tests do with a page.

RFA_SCREENSHOTS=FOLDER keeps what pages look like.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By

DRIVER = shutil.which("chromedriver")
WORDS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
)
"""The last three give WebGPU without a GPU."""
DESKTOP = (1200, 1000)
PHONE = (390, 900)
PATIENCE_S = 60
LOOK_S = 0.05


@contextmanager
def chromium(downloads: Path) -> Iterator[Any]:
    """A browser that saves files into a folder."""
    options = webdriver.ChromeOptions()
    for word in WORDS:
        options.add_argument(word)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def complaints(browser: Any) -> list[str]:
    """Errors on the page's console since they were last asked for."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def visit(browser: Any, page: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
    """Open a page in a window of this size."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(page)


def wait(until: Callable[[], bool]) -> None:
    """Look again and again until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end, "it did not come"
        time.sleep(LOOK_S)


def at(browser: Any, name: str) -> Any:
    """An element by its id."""
    return browser.find_element(By.ID, name)


def content(browser: Any, name: str) -> str:
    """The text of an element, as it stands in the page."""
    return str(at(browser, name).get_property("textContent"))


def fill(browser: Any, **values: object) -> None:
    """Type into fields, by their ids."""
    for name, value in values.items():
        at(browser, name).clear()
        at(browser, name).send_keys(str(value))


def keep_picture(browser: Any, name: str) -> None:
    """Save what the page looks like, where a folder is named."""
    folder = os.environ.get("RFA_SCREENSHOTS")
    if folder is not None:
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))
