"""The page at / in a real browser: Chromium, driven by its own driver.

RFA_SCREENSHOTS=FOLDER keeps what it looks like.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rfa_runtime import Classifier, Conversation, Decoder, read_bundle, shipped_bundle

pytest.importorskip("selenium", reason="selenium is not installed: the page cannot be driven")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from toy_classifiers import write_classifier

if TYPE_CHECKING:
    from running_server import Running

DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(DRIVER is None, reason="there is no chromedriver: the page cannot be driven")
Serve = Callable[..., "Running"]
DESKTOP = (1200, 800)
PHONE = (390, 760)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(word)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def server(serve: Serve) -> Running:
    return serve(bundle=read_bundle(shipped_bundle()), model_name="stories", client_states=True)


def look(browser: Any, server: Running, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
    """Open the page in a window of this size."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(server.url)
    wait(lambda: "state" in facts(browser))


def wait(until: Callable[[], bool]) -> None:
    for _ in range(400):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def at(browser: Any, name: str) -> Any:
    return browser.find_element(By.ID, name)


def facts(browser: Any) -> str:
    return str(at(browser, "facts").text)


def text(browser: Any) -> str:
    return str(at(browser, "text").get_property("textContent"))


def write(browser: Any, button: str, prompt: str, tokens: int = 30) -> None:
    """Ask for a text that is the same each time, and wait for its end."""
    for name, value in (("temperature", "0"), ("tokens", str(tokens)), ("prompt", prompt)):
        at(browser, name).clear()
        at(browser, name).send_keys(value)
    browser.execute_script("document.getElementById('facts').textContent = ''")
    at(browser, button).click()
    wait(lambda: f"{tokens} tokens" in facts(browser))


def keep_picture(browser: Any, name: str) -> None:
    folder = os.environ.get("RFA_SCREENSHOTS")
    if folder is not None:
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def spoken(*prompts: str) -> str:
    """The whole text of a conversation."""
    talk = Conversation(Decoder(shipped_bundle(), threads=1))
    whole = ""
    for prompt in prompts:
        pieces = talk.write(prompt, temperature=0.0, max_new_tokens=30)
        whole += prompt + "".join(piece.text for piece in pieces)
    return whole


def test_a_text_is_written_as_it_comes(browser: Any, server: Running) -> None:
    look(browser, server)
    at(browser, "tokens").clear()
    at(browser, "tokens").send_keys("3000")
    at(browser, "go").click()
    wait(lambda: len(text(browser)) > 200)
    early = text(browser)
    wait(lambda: "tokens/s" in facts(browser) and "1 stream now" in facts(browser))
    assert not at(browser, "go").is_enabled()
    at(browser, "stop").click()
    wait(lambda: bool(at(browser, "go").is_enabled()))
    assert text(browser).startswith(early)
    assert server.idle()
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []


def test_a_conversation_goes_into_a_file_and_on_from_it(browser: Any, server: Running, tmp_path: Path) -> None:
    look(browser, server)
    write(browser, "go", "Once upon a time")
    write(browser, "on", " Then Tom")
    assert text(browser) == spoken("Once upon a time", " Then Tom")
    at(browser, "save").click()
    file = tmp_path / "downloads" / "conversation.state"
    wait(file.exists)
    look(browser, server)
    at(browser, "file").send_keys(str(file))
    wait(lambda: "is open" in facts(browser))
    write(browser, "on", " The end")
    whole = spoken("Once upon a time", " Then Tom", " The end")
    assert text(browser).removeprefix("conversation.state · ") == whole[whole.index(" The end") :]
    file.write_bytes(b"nothing")
    at(browser, "file").send_keys(str(file))
    wait(lambda: "damaged" in facts(browser))


def test_it_needs_no_mouse(browser: Any, server: Running) -> None:
    look(browser, server)
    browser.switch_to.active_element.send_keys(Keys.CONTROL, Keys.ENTER)  # the prompt has the focus
    wait(lambda: "200 tokens" in facts(browser))
    names = []
    for _ in range(8):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        names.append(browser.switch_to.active_element.get_attribute("id"))
    assert names == ["go", "on", "save", "open", "tokens", "temperature", "key", ""]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_screen(browser: Any, server: Running, size: tuple[int, int], scheme: str) -> None:
    look(browser, server, size, scheme)
    write(browser, "go", "Once upon a time", 120)
    widths = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    colour = browser.execute_script("return getComputedStyle(document.body).color")
    assert colour == ("rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")
    keep_picture(browser, f"page-{'phone' if size == PHONE else 'desktop'}-{scheme}")


def test_without_states_a_text_goes_on_from_its_words(browser: Any, serve: Serve) -> None:
    server = serve(bundle=read_bundle(shipped_bundle()), api_key="secret")
    browser.get(server.url)
    wait(lambda: "the key is missing" in facts(browser))
    at(browser, "key").send_keys("secret")
    write(browser, "go", "Once upon a time")
    first = text(browser)
    write(browser, "on", " Then Tom")
    assert text(browser).startswith(f"{first} Then Tom")
    assert not at(browser, "save").is_enabled()
    assert not at(browser, "open").is_enabled()


def test_a_classifier_names_classes(browser: Any, serve_model: Serve, tmp_path: Path) -> None:
    classifier = Classifier(write_classifier(tmp_path / "toy.rfa"), threads=1)
    look(browser, serve_model(classifier.bundle, lambda: classifier))
    assert at(browser, "go").text == "Classify"
    assert not at(browser, "on").is_displayed()
    at(browser, "prompt").clear()
    at(browser, "prompt").send_keys("ab")
    at(browser, "go").click()
    found = classifier.classify("ab")
    wait(lambda: found.label in text(browser))
    lines = text(browser).splitlines()
    assert [line.split(" ")[0] for line in lines] == list(found.probabilities)
