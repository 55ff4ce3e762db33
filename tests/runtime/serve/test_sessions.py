"""Conversations that the server remembers, and states that clients take along."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rfa_runtime import Bundle, Conversation, Decoder
from rfa_runtime.errors import OptionError, OutputBusyError
from rfa_runtime.serve import ServeSettings

if TYPE_CHECKING:
    from running_server import Running

Serve = Callable[..., "Running"]
GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": 6}


def text_of(reply: Any) -> str:
    assert reply.status_code == 200, reply.text
    return str(reply.json()["choices"][0]["text"])


def refused(reply: Any, status: int, words: str) -> None:
    assert reply.status_code == status, reply.text
    assert words in reply.json()["error"]["message"]


def begin(server: Running, **body: Any) -> str:
    reply = server.post("/v1/sessions", **body)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def turns(server: Running, name: str, *prompts: str) -> list[str]:
    return [text_of(server.post("/v1/completions", prompt=prompt, session=name, **GREEDY)) for prompt in prompts]


def spoken(bundle: Bundle, *prompts: str) -> list[str]:
    talk = Conversation(Decoder(bundle, threads=1))
    answers = []
    for prompt in prompts:
        pieces = talk.write(prompt, temperature=0.0, max_new_tokens=6)
        answers.append("".join(piece.text for piece in pieces))
    return answers


def test_a_session_goes_on_like_a_conversation(server: Running, toy: Bundle) -> None:
    name = begin(server)
    assert turns(server, name, "Once", " upon", " a") == spoken(toy, "Once", " upon", " a")
    about = server.client.get(f"/v1/sessions/{name}").json()
    assert about["tokens"] == len("Once upon a") + 3 * 6
    assert about["bytes"] > 0
    figures = server.client.get("/metrics").text
    assert 'rfa:sessions{model_name="toy"} 1.0' in figures
    assert f'rfa:session_memory_bytes{{model_name="toy"}} {float(about["bytes"])}' in figures
    assert server.client.delete(f"/v1/sessions/{name}").json()["deleted"] is True
    refused(server.post("/v1/completions", prompt="a", session=name), 404, "does not exist")


def test_a_stream_says_where_its_session_stands(server: Running) -> None:
    name = begin(server)
    with server.client.stream(
        "POST", "/v1/completions", json={"prompt": "Once", "session": name, "stream": True, **GREEDY}
    ) as reply:
        events = [line for line in reply.iter_lines() if line]
    assert events[-1] == "data: [DONE]"
    assert f'"session":{{"id":"{name}","object":"session","tokens":10' in events[-2]


def test_a_reply_that_is_not_finished_is_not_remembered(serve: Serve) -> None:
    server = serve(max_new_tokens=1 << 30)
    name = begin(server)
    turns(server, name, "Once")
    body = {"prompt": " upon", "session": name, "stream": True, "max_tokens": 1 << 30, "ignore_eos": True}
    with server.client.stream("POST", "/v1/completions", json=body) as reply:
        lines = reply.iter_lines()
        next(lines)
        refused(server.post("/v1/completions", prompt="a", session=name), 409, "at work")
        refused(server.client.delete(f"/v1/sessions/{name}"), 409, "at work")
    assert server.idle()
    for _ in range(100):  # the server notices a moment later that the client has gone
        about = server.client.get(f"/v1/sessions/{name}").json()
        ended = server.client.delete(f"/v1/sessions/{name}").status_code == 200
        if ended:
            break
    assert ended
    assert about["tokens"] == 10


def test_sessions_outlive_the_server(serve: Serve, tmp_path: Path, toy: Bundle) -> None:
    folder = tmp_path / "sessions"
    first = serve(session_folder=folder)
    name = begin(first)
    before = turns(first, name, "Once")
    with pytest.raises(OutputBusyError):
        serve(session_folder=folder)
    first.close()
    second = serve(session_folder=folder)
    assert second.client.get(f"/v1/sessions/{name}").json()["tokens"] is None  # until it is read
    assert before + turns(second, name, " upon") == spoken(toy, "Once", " upon")


def test_what_was_not_used_for_longest_makes_room(serve: Serve, tmp_path: Path, toy: Bundle) -> None:
    in_memory = serve(session_bytes=0)
    name = begin(in_memory)
    turns(in_memory, name, "Once")
    refused(in_memory.client.get(f"/v1/sessions/{name}"), 404, "made room for others")
    on_disk = serve(session_bytes=0, session_folder=tmp_path / "a")
    name = begin(on_disk)
    turns(on_disk, name, "Once", " upon")
    assert len(list((tmp_path / "a").iterdir())) == 1
    other = begin(on_disk)
    turns(on_disk, other, "Twice")
    assert len(list((tmp_path / "a").iterdir())) == 2  # out of memory is not out of the folder
    assert turns(on_disk, name, " a") == spoken(toy, "Once", " upon", " a")[2:]
    small = serve(session_folder=tmp_path / "b", session_folder_bytes=1)
    name = begin(small)
    turns(small, name, "Once")
    assert list((tmp_path / "b").iterdir()) == []


def test_a_file_that_is_damaged_is_no_session(serve: Serve, tmp_path: Path) -> None:
    server = serve(session_bytes=0, session_folder=tmp_path)
    name = begin(server)
    turns(server, name, "Once")
    (file,) = tmp_path.glob("*.session")
    file.write_bytes(file.read_bytes()[:-1])
    refused(server.post("/v1/completions", prompt="a", session=name), 404, "cannot be read")
    assert server.post("/v1/completions", prompt="a").status_code == 200


def test_a_client_can_carry_the_state_itself(serve: Serve, toy: Bundle, tmp_path: Path) -> None:
    server = serve(client_states=True)
    first = server.post("/v1/completions", prompt="Once", return_state=True, **GREEDY)
    state = first.json()["state"]
    second = server.post("/v1/completions", prompt=" upon", state=state, **GREEDY)
    assert [text_of(first), text_of(second)] == spoken(toy, "Once", " upon")
    assert "state" not in second.json()
    file = tmp_path / "once.state"
    file.write_bytes(base64.b64decode(state))
    talk = Conversation.load(Decoder(toy, threads=1), file)
    assert talk.token_ids.tolist()[:4] == list(b"Once")
    name = begin(server, state=state)
    assert server.client.get(f"/v1/sessions/{name}/state").content == file.read_bytes()
    assert turns(server, name, " upon") == [text_of(second)]
    refused(server.client.get(f"/v1/sessions/{begin(server)}/state"), 409, "read nothing yet")


def test_states_of_clients_are_checked(serve: Serve) -> None:
    server = serve(client_states=True)
    state = server.post("/v1/completions", prompt="Once", return_state=True, **GREEDY).json()["state"]
    data = bytearray(base64.b64decode(state))
    data[len(data) // 2] ^= 1
    damaged = base64.b64encode(data).decode()
    refused(server.post("/v1/completions", prompt="a", state=damaged), 400, "damaged")
    refused(server.post("/v1/completions", prompt="a", state="?"), 400, "no base64")
    refused(server.post("/v1/sessions", state=damaged), 400, "damaged")
    refused(server.post("/v1/completions", prompt="a", state=state, session="0" * 32), 400, "wanted one")
    refused(server.post("/v1/completions", prompt="a", state=state, n=2), 400, "goes on as one")


def test_clients_get_no_states_by_default(server: Running) -> None:
    refused(server.post("/v1/completions", prompt="a", return_state=True), 400, "neither gives")
    refused(server.post("/v1/completions", prompt="a", state="AAAA"), 400, "neither gives")
    refused(server.post("/v1/sessions", state="AAAA"), 400, "neither gives")
    refused(server.client.get(f"/v1/sessions/{begin(server)}/state"), 400, "neither gives")


def test_a_chat_in_a_session_reads_only_what_is_new(server: Running) -> None:
    name = begin(server)
    said = [{"role": "user", "content": "a"}]
    first = server.post("/v1/chat/completions", messages=said, session=name, **GREEDY).json()
    said.append({"role": "assistant", "content": first["choices"][0]["message"]["content"]})
    said.append({"role": "user", "content": "b"})
    second = server.post("/v1/chat/completions", messages=said, session=name, **GREEDY).json()
    assert first["usage"]["prompt_tokens"] == len("user: a\nassistant:")
    assert second["usage"]["prompt_tokens"] == len("\nuser: b\nassistant:")


def test_a_session_serves_one_request_at_a_time(server: Running) -> None:
    name = begin(server)
    statuses = []

    def ask() -> None:
        reply = server.post("/v1/completions", prompt="a", session=name, max_tokens=200, ignore_eos=True)
        statuses.append(reply.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 409}
    finished = statuses.count(200)
    assert finished >= 1
    assert server.client.get(f"/v1/sessions/{name}").json()["tokens"] == finished * 201


def test_settings_of_sessions_are_checked() -> None:
    with pytest.raises(OptionError, match="session_bytes"):
        ServeSettings(session_bytes=-1)
