"""The page at / in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rfa_runtime import Classifier, Conversation, Decoder, read_bundle, shipped_bundle

pytest.importorskip("selenium", reason="selenium is not installed: the page cannot be driven")
from chromium import DESKTOP, DRIVER, PHONE, at, chromium, complaints, content, fill, keep_picture, visit, wait
from selenium.webdriver.common.keys import Keys
from toy_classifiers import write_classifier

if TYPE_CHECKING:
    from running_server import Running

pytestmark = pytest.mark.skipif(DRIVER is None, reason="there is no chromedriver: the page cannot be driven")
Serve = Callable[..., "Running"]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "downloads") as found:
        yield found


@pytest.fixture
def server(serve: Serve) -> Running:
    return serve(bundle=read_bundle(shipped_bundle()), model_name="stories", client_states=True)


def look(browser: Any, server: Running, **how: Any) -> None:
    """Open the page and wait for the model."""
    visit(browser, server.url, **how)
    wait(lambda: "state" in facts(browser))


def facts(browser: Any) -> str:
    return str(at(browser, "facts").text)


def text(browser: Any) -> str:
    return content(browser, "text")


def write(browser: Any, button: str, prompt: str, tokens: int = 30) -> None:
    """Ask for a text that is the same each time, and wait for its end."""
    fill(browser, temperature=0, tokens=tokens, prompt=prompt)
    browser.execute_script("document.getElementById('facts').textContent = ''")
    at(browser, button).click()
    wait(lambda: f"{tokens} tokens" in facts(browser))


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
    fill(browser, tokens=3000)
    at(browser, "go").click()
    wait(lambda: len(text(browser)) > 200)
    early = text(browser)
    wait(lambda: "tokens/s" in facts(browser) and "1 stream now" in facts(browser))
    assert not at(browser, "go").is_enabled()
    at(browser, "stop").click()
    wait(lambda: bool(at(browser, "go").is_enabled()))
    assert text(browser).startswith(early)
    assert server.idle()
    assert not complaints(browser)


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
    look(browser, server, size=size, scheme=scheme)
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
    fill(browser, prompt="ab")
    at(browser, "go").click()
    found = classifier.classify("ab")
    wait(lambda: found.label in text(browser))
    lines = text(browser).splitlines()
    assert [line.split(" ")[0] for line in lines] == list(found.probabilities)
