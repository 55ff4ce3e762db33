"""What a server says to those who ask for the wrong thing, too much, or go away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from rfa_runtime import Bundle, Engine
from rfa_runtime.errors import OptionError
from rfa_runtime.serve import ServeSettings

if TYPE_CHECKING:
    from running_server import Running

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
Serve = Callable[..., "Running"]


def error_of(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return str(error["message"])


def test_it_says_that_it_is_loading(toy: Bundle) -> None:
    module = pytest.importorskip("running_server")
    gate = threading.Event()

    def open_model() -> Engine:
        gate.wait(20)
        return Engine(toy, threads=1)

    server = module.Running(toy, ServeSettings(model_name="toy"), open_model)
    try:
        for _ in range(200):
            if server.server.started:
                break
            time.sleep(0.05)
        assert "being loaded" in error_of(server.client.get("/health"), 503)
        assert "being loaded" in error_of(server.post("/v1/completions", prompt="a"), 503)
        gate.set()
        server.until_ready()
        assert server.client.get("/health").json() == {"status": "ok"}
    finally:
        gate.set()
        server.close()


def test_tokens(server: Running) -> None:
    found = server.post("/tokenize", prompt="Once").json()
    assert found == {"tokens": [79, 110, 99, 101], "count": 4}
    assert server.post("/detokenize", tokens=found["tokens"]).json() == {"prompt": "Once"}
    assert "from 0 to" in error_of(server.post("/detokenize", tokens=[-1]), 400)


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/completions", {"prompt": []}, 400, "prompt"),
        ("/v1/completions", {"prompt": "a", "max_tokens": 0}, 400, "max_tokens"),
        ("/v1/completions", {"prompt": "a", "n": 1000}, 400, "1000 texts were asked for"),
        ("/v1/completions", {"prompt": "a", "echo": True}, 400, "echo is not supported"),
        ("/v1/completions", {"prompt": "a", "suffix": "b"}, 400, "suffix is not supported"),
        ("/v1/completions", {"prompt": "a", "best_of": 3}, 400, "best_of is not supported"),
        ("/v1/completions", {"prompt": [999_999]}, 400, "the model knows 0 to"),
        ("/v1/completions", {"prompt": "a", "top_p": 7}, 400, "top_p"),
        ("/v1/chat/completions", {"messages": []}, 400, "messages"),
        ("/v1/chat/completions", {"messages": [{"content": "a"}]}, 400, "role"),
        ("/nowhere", {}, 404, "/nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    server: Running, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    assert words in error_of(server.post(path, **body), status)


def test_bodies_that_are_no_json_or_too_long(serve: Serve) -> None:
    server = serve(max_body_bytes=2000, max_prompt_tokens=50)
    assert error_of(server.client.post("/v1/completions", content=b"{"), 400)
    assert error_of(server.client.post("/v1/completions", content=b"\xff\xfe"), 400)
    assert "longer than 2,000" in error_of(server.post("/v1/completions", prompt="a" * 3000), 413)

    def chunks() -> Any:
        for _ in range(100):
            yield b"a" * 100

    assert "longer than 2,000" in error_of(server.client.post("/v1/completions", content=chunks()), 413)
    assert "reads up to 50" in error_of(server.post("/v1/completions", prompt="a" * 60), 400)
    assert server.post("/v1/completions", prompt="a").status_code == 200


def test_a_key_is_asked_for(serve: Serve) -> None:
    server = serve(api_key="secret")
    assert "key is missing" in error_of(server.post("/v1/completions", prompt="a"), 401)
    for header in ("Bearer wrong", "secret", "Basic secret"):
        response = server.client.post("/v1/completions", json={"prompt": "a"}, headers={"Authorization": header})
        error_of(response, 401)
    right = {"Authorization": "Bearer secret"}
    assert server.client.post("/v1/completions", json={"prompt": "a"}, headers=right).status_code == 200
    assert server.client.get("/health").status_code == 200


def test_a_full_queue_sends_away_and_later_answers(serve: Serve) -> None:
    server = serve(engine={"max_streams": 1}, max_queue=1)
    body = {"prompt": "a", "max_tokens": 3000, "temperature": 0}
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: server.post("/v1/completions", **body), range(12)))
    statuses = {reply.status_code for reply in replies}
    assert statuses <= {200, 429}
    sent_away = [reply for reply in replies if reply.status_code == 429]
    assert sent_away
    assert sent_away[0].headers["retry-after"] == "1"
    assert server.post("/v1/completions", prompt="a").status_code == 200


def test_a_request_that_takes_too_long_is_ended(serve: Serve) -> None:
    server = serve(request_seconds=0.2, keep_alive_seconds=0.05, max_new_tokens=10**9)
    assert "not finished after 0.2 s" in error_of(server.post("/v1/completions", prompt="a", max_tokens=10**9), 504)
    with server.client.stream(
        "POST", "/v1/completions", json={"prompt": "a", "max_tokens": 10**9, "stream": True}
    ) as one:
        lines = [line for line in one.iter_lines() if line]
    assert "not finished" in json.loads(lines[-1].removeprefix("data: "))["error"]["message"]
    assert server.idle()


def test_clients_that_go_away_leave_no_text(serve: Serve) -> None:
    server = serve(max_new_tokens=10**9)
    for _ in range(5):
        with pytest.raises(Exception, match="timed out"):
            server.client.post("/v1/completions", json={"prompt": "a", "max_tokens": 10**9}, timeout=0.05)
        body = {"prompt": "a", "max_tokens": 10**9, "stream": True}
        with server.client.stream("POST", "/v1/completions", json=body) as one:
            next(one.iter_lines())
    assert server.idle()
    assert server.post("/v1/completions", prompt="a").status_code == 200


def test_texts_that_have_begun_end_when_the_server_does(serve: Serve) -> None:
    server = serve()
    with ThreadPoolExecutor(4) as pool:
        body = {"prompt": "a", "max_tokens": 300, "temperature": 0}
        waiting = [pool.submit(server.post, "/v1/completions", **body) for _ in range(4)]
        while server.stats()["streams"] == 0:
            time.sleep(0.01)
        server.server.should_exit = True
        replies = [one.result() for one in waiting]
    begun = [reply for reply in replies if reply.status_code == 200]
    assert begun
    assert all(reply.json()["usage"]["completion_tokens"] == 300 for reply in begun)


def test_figures_count_every_request_once(server: Running) -> None:
    server.post("/v1/completions", prompt="Once upon a time, and once more", max_tokens=5)
    server.post("/v1/completions", prompt="Once upon a time, and once more", max_tokens=6, n=2)
    server.post("/v1/completions", prompt="a", max_tokens=0)
    page = server.client.get("/metrics").text
    figures = {}
    for family in parser.text_string_to_metric_families(page):
        for sample in family.samples:
            figures[(sample.name, sample.labels.get("route"), sample.labels.get("status"))] = sample.value
            assert sample.labels["model_name"] == "toy"
    assert figures[("rfa:http_requests_total", "/v1/completions", "200")] == 2
    assert figures[("rfa:http_requests_total", "/v1/completions", "400")] == 1
    assert figures[("rfa:generation_tokens_total", None, None)] == 17
    assert figures[("rfa:prompt_tokens_total", None, None)] == 62
    assert figures[("rfa:prefix_cache_hits_total", None, None)] == 31
    assert figures[("rfa:time_to_first_token_seconds_count", None, None)] == 3
    assert figures[("rfa:e2e_request_latency_seconds_count", None, None)] == 3


def test_the_page_is_one_file(server: Running) -> None:
    page = server.client.get("/").text
    assert "<title>rfa-serve</title>" in page
    assert "http://" not in page
    assert "https://" not in page


def test_settings_that_cannot_work() -> None:
    with pytest.raises(OptionError, match="max_body_bytes"):
        ServeSettings(max_body_bytes=0)
    with pytest.raises(OptionError, match="request_seconds"):
        ServeSettings(request_seconds=0.0)
