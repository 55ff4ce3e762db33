"""OpenAI's own client, unchanged, against a server of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from rfa_runtime import Bundle, Decoder

if TYPE_CHECKING:
    from running_server import Running

openai = pytest.importorskip("openai", reason="openai is not installed: its client cannot be tested")
GREEDY: dict[str, Any] = {"model": "toy", "temperature": 0.0}


@pytest.fixture
def client(server: Running) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_models(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["toy"]


def test_a_completion_is_what_the_decoder_writes(client: Any, toy: Bundle) -> None:
    wanted = Decoder(toy, threads=1).generate("Once", temperature=0.0, max_new_tokens=12)
    found = client.completions.create(prompt="Once", max_tokens=12, **GREEDY)
    assert found.choices[0].text == wanted.text
    assert found.choices[0].finish_reason == "length"
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.total_tokens) == (4, 12, 16)
    by_ids = client.completions.create(prompt=list(b"Once"), max_tokens=12, **GREEDY)
    assert by_ids.choices[0].text == wanted.text


def test_several_prompts_and_several_texts_of_each(client: Any) -> None:
    found = client.completions.create(prompt=["Once", "Twice"], n=2, max_tokens=8, seed=3, model="toy", temperature=1.0)
    assert [choice.index for choice in found.choices] == [0, 1, 2, 3]
    assert found.choices[0].text != found.choices[1].text
    assert found.usage.prompt_tokens == 9  # each is read once
    again = client.completions.create(prompt=["Once", "Twice"], n=2, max_tokens=8, seed=3, model="toy", temperature=1.0)
    assert [choice.text for choice in again.choices] == [choice.text for choice in found.choices]


def test_a_stream_is_the_same_text_under_one_id(client: Any) -> None:
    whole = client.completions.create(prompt="Once", max_tokens=12, **GREEDY)
    options = {"include_usage": True}
    chunks = list(
        client.completions.create(prompt="Once", max_tokens=12, stream=True, stream_options=options, **GREEDY)
    )
    *parts, last = chunks
    assert "".join(part.choices[0].text for part in parts) == whole.choices[0].text
    assert [part.choices[0].finish_reason for part in parts] == [None] * 11 + ["length"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert last.choices == []
    assert last.usage.completion_tokens == 12
    assert all(part.usage is None for part in parts)


def test_a_chat_stops_where_it_is_told_and_says_who_speaks(client: Any) -> None:
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
    ]
    whole = client.chat.completions.create(messages=messages, max_completion_tokens=12, **GREEDY)
    answer = whole.choices[0].message
    assert answer.role == "assistant"
    stop = answer.content[3]
    short = client.chat.completions.create(messages=messages, max_tokens=12, stop=[stop], **GREEDY)
    assert short.choices[0].message.content == answer.content.partition(stop)[0]
    assert short.choices[0].finish_reason == "stop"
    chunks = list(client.chat.completions.create(messages=messages, max_tokens=12, stream=True, **GREEDY))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == answer.content


def test_likelihoods(client: Any) -> None:
    found = client.completions.create(prompt="Once", max_tokens=5, logprobs=2, **GREEDY).choices[0]
    assert len(found.logprobs.tokens) == len(found.logprobs.token_logprobs) == len(found.logprobs.text_offset) == 5
    assert all(len(top) == 2 for top in found.logprobs.top_logprobs)
    messages = [{"role": "user", "content": "a"}]
    chat = client.chat.completions.create(messages=messages, max_tokens=5, logprobs=True, top_logprobs=3, **GREEDY)
    for entry in chat.choices[0].logprobs.content:
        assert entry.logprob == pytest.approx(entry.top_logprobs[0].logprob)
        assert len(entry.top_logprobs) == 3


def test_an_answer_keeps_to_a_schema(client: Any) -> None:
    pytest.importorskip("llguidance", reason="llguidance is not installed: texts keep to a form by it")
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    messages = [{"role": "user", "content": "well?"}]
    for seed in range(5):
        found = client.chat.completions.create(messages=messages, response_format=form, seed=seed, model="toy")
        assert isinstance(json.loads(found.choices[0].message.content)["ok"], bool)


def test_a_stream_that_is_closed_ends_its_text(serve: Callable[..., Running]) -> None:
    server = serve(max_new_tokens=10**9)
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        stream = client.completions.create(prompt="Once", max_tokens=10**9, stream=True, **GREEDY)
        next(iter(stream))
        stream.close()
    assert server.idle()
    assert 'request_success_total{finished_reason="abort",model_name="toy"} 1.0' in server.client.get("/metrics").text


def test_errors_are_those_of_the_client(client: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="this server has 'toy'"):
        client.completions.create(model="gpt-4", prompt="Once")
    with pytest.raises(openai.BadRequestError, match="max_tokens is 9,999"):
        client.completions.create(prompt="Once", max_tokens=9_999, **GREEDY)
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.completions.create(prompt="Once", model="toy", temperature=-1)
    tool = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(openai.BadRequestError, match="tools are not supported"):
        client.chat.completions.create(messages=[{"role": "user", "content": "a"}], tools=[tool], **GREEDY)
