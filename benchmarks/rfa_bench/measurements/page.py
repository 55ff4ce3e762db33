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
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
except ImportError as error:
    raise ProbeError("selenium is not installed, which drives the browser: pip install selenium") from error

PATIENCE_S = 600
LOOK_S = 0.05
DRIVER = "chromedriver"
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
PROCESSES = Path("/proc")
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
    few_renderer_bytes: int
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
            try:
                rows.append(visit(browser, site.page, cache, tokens))
            except WebDriverException as error:
                raise ProbeError(f"Chromium failed: {(error.msg or '').splitlines()[0]}") from error
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
    write(browser, FEW)
    first = browser.execute_script(FIRST)
    few_bytes = renderer_bytes(browser)
    count = write(browser, tokens)
    return PageRow(
        cache=cache,
        ready_ms=round(ready, 1),
        first_token_ms=round(ready + first, 1),
        tokens=count,
        avg_ts=number(browser, "speed"),
        few_renderer_bytes=few_bytes,
        renderer_bytes=renderer_bytes(browser),
    )


def write(browser: Any, tokens: int) -> int:
    """Let the page write a story without end, and stop it after so many tokens.  Returns how many came."""
    for name, value in (("temperature", "0.6"), ("seed", "3"), ("tokens", "0")):
        field = browser.find_element(By.ID, name)
        field.clear()
        field.send_keys(value)
    browser.find_element(By.ID, "write").click()
    wait(lambda: number(browser, "count") >= tokens)
    browser.find_element(By.ID, "stop").click()
    wait(lambda: browser.find_element(By.ID, "status").text == "Stopped")
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
    """Resident memory of the largest of the browser's processes for pages; 0 on systems that do not tell."""
    found = descendants(browser.service.process.pid)
    return max((status_bytes("VmRSS", pid) or 0 for pid in found if is_renderer(pid)), default=0)


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, and that these have started."""
    found: set[int] = set()
    for task in PROCESSES.glob(f"{pid}/task/*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *descendants(child)}
    return found


def is_renderer(pid: int) -> bool:
    """Whether a process of Chromium is for pages."""
    command = PROCESSES / str(pid) / "cmdline"
    return command.exists() and b"--type=renderer" in command.read_bytes()


def wait(until: Callable[[], bool]) -> None:
    """Wait until something is so.  Raises ProbeError where it never is."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        if time.monotonic() > end:
            raise ProbeError(f"the page did not answer within {PATIENCE_S} s")
        time.sleep(LOOK_S)
