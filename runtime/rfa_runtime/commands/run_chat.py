"""`rfa-run DIR --chat`: a prompt, an answer as it is written, and commands that begin with a stroke."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.ending import complain
from rfa_runtime.errors import OptionError, RfaRuntimeError

with suppress(ImportError):  # Windows has none, and its console keeps a history by itself
    import readline  # noqa: F401  `input` gets a history and keys to edit a line with

PROMPT = "> "
HELP = """Say something, or one of these:
  /save FILE   write the text so far to a small file
  /load FILE   go on with the text in a file
  /fork        keep the text as it is now, to come back to it by /back
  /back        go back to the last fork
  /undo        go back to before the last answer
  /stats       how long the text is, and what it keeps
  /quit        end, as Ctrl-D does
Ctrl-C ends an answer."""


class Repl:
    """Reads a line, does what it says, until the end."""

    def __init__(self, chat: rfa_runtime.ChatSession) -> None:
        self.chat = chat
        self._forks: list[rfa_runtime.ChatSession] = []
        self._commands: dict[str, Callable[[str], None]] = {
            "/save": self.save,
            "/load": self.load,
            "/fork": self.fork,
            "/back": self.back,
            "/undo": self.undo,
            "/stats": self.stats,
            "/help": self.help,
        }

    def run(self) -> None:
        """Read lines until /quit or the end of the input."""
        while True:
            try:
                line = input(PROMPT if sys.stdin.isatty() else "")
            except EOFError:
                return
            if line.strip() == "/quit":
                return
            try:
                self.do(line)
            except (RfaRuntimeError, OSError) as error:
                complain(str(error))

    def do(self, line: str) -> None:
        """Do what one line says."""
        word, _, rest = line.strip().partition(" ")
        if word in self._commands:
            self._commands[word](rest.strip())
        elif word.startswith("/") and word[1:].isalpha():
            raise OptionError(f"{word} is no command: /help lists them")
        elif line:
            self.answer(line)

    def answer(self, line: str) -> None:
        """Print the answer as it is written.  Ctrl-C ends it; what was written of it stays."""
        pieces = self.chat.say(line)
        try:
            for piece in pieces:
                print(piece.text, end="", flush=True)
        except KeyboardInterrupt:
            pieces.close()
        print(flush=True)

    def save(self, name: str) -> None:
        """Write the text so far."""
        self.chat.save(file_named(name))

    def load(self, name: str) -> None:
        """Go on with another text."""
        self.chat.load(file_named(name))

    def fork(self, _: str) -> None:
        """Keep the text as it is."""
        self._forks.append(self.chat.fork())

    def back(self, _: str) -> None:
        """Go back to the last fork."""
        if not self._forks:
            raise OptionError("there is no fork to go back to: /fork makes one")
        self.chat = self._forks.pop()

    def undo(self, _: str) -> None:
        """Go back by one turn."""
        print(f"undone: {self.chat.undo()}")

    def stats(self, _: str) -> None:
        """Say how long the text is."""
        talk = self.chat.talk
        turns = len(self.chat.messages) // 2
        print(f"{len(talk.token_ids):,} tokens, {turns} turns, state {talk.state_bytes / 1000:,.0f} kB")

    def help(self, _: str) -> None:
        """List the commands."""
        print(HELP)


def file_named(name: str) -> Path:
    """The file of a command.  Raises OptionError where none was named."""
    if not name:
        raise OptionError("a file is missing: name one, such as /save talk.state")
    return Path(name)


def run_chat(bundle: Bundle, threads: int | None, provider: str, settings: dict[str, Any]) -> None:
    """Talk with a model until the user has enough."""
    decoder = rfa_runtime.Decoder(bundle, threads, provider)
    if decoder.tokenizer is None:
        raise OptionError(f"{bundle.path.name} has no tokenizer: --chat needs one")
    chat = rfa_runtime.ChatSession(decoder, rfa_runtime.chat_template(bundle, decoder.tokenizer), settings)
    if sys.stdin.isatty():
        print("/help lists commands, Ctrl-D ends")
    Repl(chat).run()
