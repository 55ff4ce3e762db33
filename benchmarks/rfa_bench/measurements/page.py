"""The example page in Chromium: how soon it writes, how fast, in how much memory.

Chromium is driven by its own driver, with selenium.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfa_bench.processes.ask import ProbeError
from rfa_bench.processes.site import serving_page
from rfa_runtime.memory import status_bytes

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
except ImportError as error:
    raise ProbeError("selenium is not installed, which drives the browser: pip install selenium") from error

PATIENCE_S = 600
LOOK_S = 0.05
DRIVER = "chromedriver"
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
FEW = 10
"""Tokens after which memory is read for the first time."""
READY = "return performance.getEntriesByName('ready').at(-1)?.startTime ?? 0"
FIRST = "return performance.getEntriesByName('first token').at(-1)?.duration ?? 0"


@dataclass(frozen=True)
class PageRow:
    """One visit; the names are the contract of `rfa-bench page --json`."""

    cache: str
    """Whether the browser had the model already: cold or warm."""
    ready_ms: float
    """From opening the page until it can write."""
    first_token_ms: float
    """From opening the page to the first token, the time to press the button left out."""
    tokens: int
    avg_ts: float
    """Tokens a second, as the page shows it at the end."""
    renderer_bytes_few: int
    """Resident memory of the page's process after ten tokens."""
    renderer_bytes: int
    """The same at the end."""


def measure(web: Path, bundle: Path, tokens: int, progress: Callable[[str], None]) -> list[PageRow]:
    """Visit the page twice.  web: the folder of the browser package.

    Raises ProbeError where the browser or a package is missing.
    """
    if not (web / "node_modules").exists():
        raise ProbeError(f"{web / 'node_modules'} is missing: make web")
    rows = []
    with serving_page(web, bundle) as site, chromium() as browser:
        for cache in ("cold", "warm"):
            progress(f"{cache} cache")
            rows.append(visit(browser, site.page, cache, tokens))
    return rows


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser that knows nothing yet.  Raises ProbeError where there is none."""
    driver = shutil.which(DRIVER)
    if driver is None:
        raise ProbeError(f"there is no {DRIVER}: install Chromium's driver")
    options = webdriver.ChromeOptions()
    with tempfile.TemporaryDirectory() as profile:
        for word in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(word)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield browser
        finally:
            browser.quit()


def visit(browser: Any, page: str, cache: str, tokens: int) -> PageRow:
    """Open the page and let it write, as rfa-run --seed 3 does."""
    browser.get(page)
    wait(lambda: browser.execute_script(READY) > 0)
    ready = browser.execute_script(READY)
    forget_what_was_written(browser)
    few = write(browser, FEW)
    first = browser.execute_script(FIRST)
    few_bytes = renderer_bytes(browser)
    rows = write(browser, tokens)
    return PageRow(
        cache=cache,
        ready_ms=round(ready, 1),
        first_token_ms=round(ready + first, 1),
        tokens=few + rows,
        avg_ts=number(browser, "speed"),
        renderer_bytes_few=few_bytes,
        renderer_bytes=renderer_bytes(browser),
    )


def write(browser: Any, tokens: int) -> int:
    """Let the page write a story of so many tokens.  Returns how many came."""
    for name, value in (("temperature", "0.6"), ("seed", "3"), ("tokens", str(tokens))):
        field = browser.find_element(By.ID, name)
        field.clear()
        field.send_keys(value)
    browser.find_element(By.ID, "write").click()
    wait(lambda: browser.find_element(By.ID, "status").text == "Done")
    return int(number(browser, "count"))


def forget_what_was_written(browser: Any) -> None:
    """A visit goes on with the last one's story: press Stop, if it does."""
    stop = browser.find_element(By.ID, "stop")
    if stop.is_enabled():
        stop.click()
    wait(lambda: browser.find_element(By.ID, "write").is_enabled())


def number(browser: Any, name: str) -> float:
    """A figure that the page shows."""
    return float(browser.find_element(By.ID, name).text.replace(",", ""))


def renderer_bytes(browser: Any) -> int:
    """Resident memory of the largest of the browser's processes for pages."""
    found = browser.execute_cdp_cmd("SystemInfo.getProcessInfo", {})["processInfo"]
    pids = [process["id"] for process in found if process["type"] == "renderer"]
    return max((status_bytes("VmRSS", pid) or 0 for pid in pids), default=0)


def wait(until: Callable[[], bool]) -> None:
    """Wait until something is so.  Raises ProbeError where it never is."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        if time.monotonic() > end:
            raise ProbeError(f"the page did not answer within {PATIENCE_S} s")
        time.sleep(LOOK_S)
