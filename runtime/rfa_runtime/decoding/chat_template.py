"""From messages to tokens, by the bundle's own chat template.

What people write is text, whatever it spells: only the template's own words can be special tokens.  So the template is
rendered with marks in the place of the messages, and its parts and the messages become tokens by themselves.

    template words | message | template words | message | template words
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from rfa_runtime import forms
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.prompt import encode_text
from rfa_runtime.errors import BundleError, PromptError

TOKENIZER_CONFIG = "tokenizer_config.json"
MARKS = re.compile(r"(\[[0-9a-f]{16}:\d+\])")
"""Stand for messages while the template is rendered."""


@dataclass(frozen=True)
class Message:
    """What somebody said."""

    role: str
    """`system`, `user`, `assistant`, or what else the template knows."""
    content: str


@dataclass(frozen=True)
class Chat:
    """A chat as tokens."""

    ids: list[int]
    boundaries: tuple[int, ...]
    """Numbers of tokens after which a message ends."""


def chat_template(bundle: Bundle, tokenizer: Tokenizer) -> ChatTemplate | None:
    """The template of a bundle; None where it has none.

    Raises OptionError for one that cannot be read, MissingExtraError without jinja2.
    """
    table = tokenizer_config(bundle)
    template = table.get("chat_template")
    return ChatTemplate(bundle, tokenizer, template, table) if isinstance(template, str) else None


class ChatTemplate:
    """A template with the tokens that it is spelled in."""

    def __init__(self, bundle: Bundle, tokenizer: Tokenizer, template: str, table: Mapping[str, object]) -> None:
        """table: of tokenizer_config.json, whose tokens the template may name."""
        names = {name: word for name, word in table.items() if name.endswith("_token") and isinstance(word, str)}
        self._rendering = forms.Rendering(template, names)
        self._bundle = bundle
        self._plain = tokenizer
        self._special = Tokenizer.from_str(tokenizer.to_str())
        self._special.encode_special_tokens = False

    def encode(self, messages: Sequence[Message]) -> Chat:
        """All tokens, up to where the model is to answer.  Raises PromptError for messages that cannot be taken."""
        return self._encode(messages, after=0)

    def encode_after(self, messages: Sequence[Message]) -> Chat:
        """The tokens behind the last answer of the assistant, which the model wrote itself; all where there is none."""
        answers = [place for place, message in enumerate(messages) if message.role == "assistant"]
        return self._encode(messages, after=answers[-1] + 1 if answers else 0)

    def _encode(self, messages: Sequence[Message], after: int) -> Chat:
        if not messages:
            raise PromptError("there are no messages: give one at least")
        mark = secrets.token_hex(8)
        marks = [f"[{mark}:{place}]" for place in range(len(messages))]
        marked = [{"role": message.role, "content": sign} for message, sign in zip(messages, marks, strict=True)]
        text = self._rendering.render(marked)
        needed = marks[max(0, after - 1) :]
        if [part for part in MARKS.findall(text) if part in needed] != needed:
            raise PromptError(
                "the chat template leaves out a message, or changes it: it cannot be used, continue texts without it"
            )
        if after:
            text = text.partition(marks[after - 1])[2]
        ids: list[int] = []
        boundaries = []
        for part in re.split(MARKS, text):
            if part in marks:
                content = messages[marks.index(part)].content
                if content:
                    ids += encode_text(content, self._plain, self._bundle)
                boundaries.append(len(ids))
            elif part:
                ids += self._special.encode(part, add_special_tokens=False).ids
        return Chat(ids, tuple(boundaries))


def tokenizer_config(bundle: Bundle) -> dict[str, object]:
    """What tokenizer_config.json says; nothing where there is none.  Raises BundleError for what is no JSON."""
    if TOKENIZER_CONFIG not in bundle.manifest.files:
        return {}
    file = bundle.path / TOKENIZER_CONFIG
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{bundle.path.name}/{TOKENIZER_CONFIG} is no JSON: export the model again") from error
    return table if isinstance(table, dict) else {}
