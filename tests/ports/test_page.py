"""The example page of the browser package in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rfa_bench.processes.site import Site, serving_page
from rfa_export.pipeline import export_file
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.tasks.conversation import Conversation
from rfa_runtime.tasks.language import Decoder

pytest.importorskip("selenium", reason="selenium is not installed: the page cannot be driven")
from chromium import DRIVER, PHONE, at, chromium, complaints, content, fill, keep_picture, visit, wait
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).parents[2]
WEB = ROOT / "runtime" / "web"
pytestmark = [
    pytest.mark.skipif(DRIVER is None, reason="there is no chromedriver: the page cannot be driven"),
    pytest.mark.skipif(not (WEB / "node_modules").exists(), reason="runtime/web/node_modules is missing: make web"),
]
PROMPT = "Once upon a time"
ON_GPU = "&provider=webgpu"
ONE_BUNDLE = pytest.mark.parametrize("stories", ["int4"], indirect=True)
"""For what does not depend on the weights."""
ADAPTER = """
const tell = arguments[0];
Promise.resolve(navigator.gpu?.requestAdapter()).then((found) => tell(Boolean(found)), () => tell(false));
"""


@pytest.fixture
def site(stories: Path) -> Iterator[Site]:
    """The page with the storyteller."""
    with serving_page(WEB, stories) as found:
        yield found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "downloads") as found:
        yield found
        assert not complaints(found)


@pytest.fixture(scope="module", params=["fp32", "int4"])
def for_web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storyteller as `--target web` writes it."""
    bundle = tmp_path_factory.mktemp("web") / f"{request.param}.rfa"
    activations = None if request.param == "fp32" else "fp32"
    config = ExportConfig(("ort", "web"), precision=request.param, activations=activations, verify="ours")
    export_file(ROOT / "models" / "pretrained" / "stories.pt", bundle, config=config)
    return bundle


def look(browser: Any, page: str, **how: Any) -> None:
    """Open the page and wait for the model."""
    visit(browser, page, **how)
    wait(lambda: at(browser, "state").text != "-")


def story(browser: Any) -> str:
    return content(browser, "story")


def status(browser: Any) -> str:
    return str(at(browser, "status").text)


def written(bundle: Path, count: int, **settings: Any) -> str:
    """By rfa-run: the prompt and its text."""
    return PROMPT + Decoder(bundle).generate(PROMPT, max_new_tokens=count, **settings).text


def test_the_page_writes_what_rfa_run_writes(browser: Any, site: Site, stories: Path) -> None:
    look(browser, site.page)
    fill(browser, prompt=PROMPT, temperature=0.6, seed=3, tokens=256)
    at(browser, "write").click()
    wait(lambda: status(browser) == "Done")
    assert story(browser) == written(stories, 256, seed=3, temperature=0.6)
    keep_picture(browser, "web-desktop")


def test_a_reload_in_the_middle_goes_on(browser: Any, site: Site, stories: Path) -> None:
    look(browser, site.page, size=PHONE, scheme="dark")
    fill(browser, prompt=PROMPT, temperature=0, tokens=0)
    at(browser, "prompt").send_keys(Keys.CONTROL, Keys.ENTER)
    wait(lambda: len(story(browser)) > 2000)
    browser.refresh()
    wait(lambda: len(story(browser)) > 6000)
    at(browser, "prompt").send_keys(Keys.ESCAPE)
    wait(lambda: status(browser) == "Stopped")
    keep_picture(browser, "web-phone-dark")
    count = int(at(browser, "count").text.replace(",", ""))
    assert story(browser) == written(stories, count, temperature=0, ignore_eos=True)


@ONE_BUNDLE
def test_weights_are_loaded_once(browser: Any, site: Site) -> None:
    for visits in (1, 2):
        look(browser, site.page)
        assert sum("model.onnx.data" in path for path in site.asked) == 1
        assert sum("manifest.json" in path for path in site.asked) == visits


@ONE_BUNDLE
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


def test_webgpu_writes_the_same_and_its_state_goes_on_in_python(browser: Any, for_web: Path, tmp_path: Path) -> None:
    with serving_page(WEB, for_web) as site:
        browser.get(site.page)
        if not browser.execute_async_script(ADAPTER):
            pytest.skip("this Chromium offers no adapter for WebGPU")
        look(browser, site.page + ON_GPU)
        fill(browser, prompt=PROMPT, temperature=0, tokens=40)
        at(browser, "write").click()
        wait(lambda: status(browser) == "Done")
        assert story(browser) == written(for_web, 40, temperature=0)
        at(browser, "save").click()
        state = tmp_path / "downloads" / "story.state"
        wait(state.exists)
    talk = Conversation.load(Decoder(for_web), state)
    then = "".join(piece.text for piece in talk.write(max_new_tokens=40, temperature=0))
    assert story(browser) + then == written(for_web, 80, temperature=0)


@ONE_BUNDLE
def test_a_damaged_state_is_one_line(browser: Any, site: Site, tmp_path: Path) -> None:
    look(browser, site.page)
    (tmp_path / "bad.state").write_bytes(b"no state")
    at(browser, "file").send_keys(str(tmp_path / "bad.state"))
    wait(lambda: status(browser).startswith("no state, or a damaged one"))


@ONE_BUNDLE
def test_a_missing_bundle_is_one_line(browser: Any, site: Site) -> None:
    browser.get(site.page.replace("bundle=/bundle/", "bundle=/absent/"))
    wait(lambda: "gave the status 404" in status(browser))
    complaints(browser)  # Chromium may note the 404 itself
