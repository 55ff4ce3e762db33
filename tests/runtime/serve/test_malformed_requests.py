"""Whatever comes, the answer is a status below 500 with a reason, and the next request is answered."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from running_server import Running

MANY = int(os.environ.get("RFA_MALFORMED_REQUESTS", "150"))
FIELDS = (
    *("model", "prompt", "messages", "stream", "stream_options", "n", "max_tokens", "temperature", "top_p", "stop"),
    *("seed", "presence_penalty", "frequency_penalty", "logit_bias", "response_format", "top_k", "min_p", "typical_p"),
    *("repetition_penalty", "min_tokens", "stop_token_ids", "ignore_eos", "structured_outputs", "logprobs", "echo"),
    *("best_of", "suffix", "max_completion_tokens", "top_logprobs", "tools", "tokens", "extra"),
    *("session", "state", "return_state"),
)
TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(["\ud800", "\0", "toy", "text", "json_schema"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
LIKELY: dict[str, Any] = {
    "prompt": TEXT | st.lists(st.integers(-2, 300), max_size=9) | st.lists(TEXT, max_size=3),
    "messages": st.lists(st.fixed_dictionaries({"role": TEXT, "content": TEXT}), max_size=3),
    "max_tokens": st.integers(-1, 20),
    "n": st.integers(0, 5),
    "stream": st.booleans(),
    "temperature": st.floats(),
    "response_format": st.fixed_dictionaries({"type": st.sampled_from(["text", "json_object", "json_schema", "x"])}),
}
BODIES = st.fixed_dictionaries({}, optional={name: LIKELY.get(name, NESTED) | NESTED for name in FIELDS})
PATHS = st.sampled_from(
    ["/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize", "/v1/sessions", "/nowhere"]
)


@pytest.fixture
def ready(serve: Callable[..., Running]) -> Running:
    return serve(max_new_tokens=20, max_texts=8, client_states=True)


@settings(max_examples=MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, body=BODIES | NESTED)
def test_any_json_gets_a_reason(ready: Running, path: str, body: Any) -> None:
    response = ready.client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert response.status_code < 500, response.text
    if response.status_code != 200:
        assert response.json()["error"]["message"]


@settings(max_examples=MANY // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/plain", "", "multipart/form-data"])
)
def test_any_bytes_get_a_reason(ready: Running, body: bytes, kind: str) -> None:
    response = ready.client.post("/v1/completions", content=body, headers={"Content-Type": kind})
    assert 400 <= response.status_code < 500, response.text
    assert response.json()["error"]["message"]


def test_and_the_next_request_is_answered(ready: Running) -> None:
    ready.client.post("/v1/completions", content=b"[" * 100_000)
    assert ready.post("/v1/completions", prompt="a", max_tokens=3).status_code == 200
    assert ready.idle()
