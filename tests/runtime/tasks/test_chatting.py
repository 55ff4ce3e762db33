"""A chat in turns, at a terminal and in Python."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import run
from toy_bundles import environment

from rfa_runtime import Bundle, ChatSession, Decoder
from rfa_runtime.errors import OptionError, PromptError


@pytest.fixture
def chat(toy: Bundle) -> ChatSession:
    return ChatSession(Decoder(toy, threads=1), None, {"temperature": 0.0, "max_new_tokens": 6})


def answer(chat: ChatSession, content: str) -> str:
    return "".join(piece.text for piece in chat.say(content))


def test_a_turn_can_be_taken_back(chat: ChatSession) -> None:
    first = answer(chat, "a")
    ids = list(chat.talk.token_ids)
    second = answer(chat, "b")
    assert chat.undo() == "b"
    assert chat.talk.token_ids == ids
    assert answer(chat, "b") == second
    chat.undo()
    chat.undo()
    assert answer(chat, "a") == first
    chat.undo()
    with pytest.raises(OptionError, match="nothing was said yet"):
        chat.undo()


def test_what_cannot_be_said_changes_nothing(chat: ChatSession) -> None:
    answer(chat, "a")
    before = chat.messages
    with pytest.raises(PromptError):
        answer(chat, "\udc80")
    assert chat.messages == before


def test_what_was_loaded_can_be_taken_back(chat: ChatSession, tmp_path: Path) -> None:
    answer(chat, "a")
    chat.save(tmp_path / "a.state")
    with pytest.raises(OSError, match="absent"):
        chat.load(tmp_path / "absent.state")
    chat.load(tmp_path / "a.state")
    assert chat.undo() == ""
    assert chat.undo() == "a"


def test_an_answer_that_nobody_reads_on_can_be_taken_back(chat: ChatSession) -> None:
    pieces = chat.say("a")
    next(pieces)
    assert chat.undo() == "a"
    assert chat.messages == ()
    assert list(pieces) == []


def test_a_fork_goes_its_own_way(chat: ChatSession) -> None:
    answer(chat, "a")
    other = chat.fork()
    assert answer(chat, "b") == answer(other, "b")
    answer(other, "c")
    assert len(chat.messages) == 4
    assert len(other.messages) == 6


def test_an_answer_that_is_not_read_to_its_end_ends_there(chat: ChatSession) -> None:
    pieces = chat.say("a")
    next(pieces)
    pieces.close()
    assert len(chat.talk.token_ids) == 2
    assert chat.messages[-1].role == "assistant"


def test_commands_of_a_terminal(toy: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "talk.state"
    lines = [
        *("a", "/stats", "/fork", "b", "/undo", f"/save {file}", "/back", "/back", f"/load {file}"),
        *("/load", "/nothing", "/help", "/quit", "c"),
    ]
    options = ["--chat", "--temperature", 0, "--max-new-tokens", 4]
    result = run(toy.path, *options, stdin="\n".join(lines))
    assert result.exit_code == 0
    assert "5 tokens, 1 turns, state" in result.stdout
    assert "undone: b" in result.stdout
    assert "/save FILE" in result.stdout
    complaints = result.stderr.splitlines()
    assert complaints == [
        "there is no fork to go back to: /fork makes one",
        "a file is missing: name one, such as /save talk.state",
        "/nothing is no command: /help lists them",
    ]
    assert file.exists()


def at_a_terminal(*arguments: object, typed: str) -> str:
    """What `rfa-run` shows at a terminal where somebody types this."""
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from rfa_runtime.commands.start import main; main()", *map(str, arguments)]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment()) as process:
        os.close(slave)
        os.write(master, typed.encode())
        shown = b""
        with suppress(OSError):  # the terminal is gone when the program has ended
            while part := os.read(master, 4096):
                shown += part
        assert process.wait(60) == 0, shown
    os.close(master)
    return shown.decode()


def test_at_a_terminal_without_a_prompt_it_is_a_talk(toy: Bundle) -> None:
    shown = at_a_terminal(toy.path, "--max-new-tokens", 4, typed="a\n/stats\n/quit\n")
    assert "/help lists commands" in shown
    assert "5 tokens, 1 turns" in shown
    assert "/help lists commands" in at_a_terminal(typed="/quit\n")
    assert "/help" not in at_a_terminal(toy.path, "a prompt", "--max-new-tokens", 4, typed="")
