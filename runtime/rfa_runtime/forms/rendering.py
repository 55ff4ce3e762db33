"""Chat templates: Jinja as Hugging Face's models bring it, from strangers, and so in a sandbox.

The sandbox keeps a template from everything but its messages.  It does not keep it from taking its time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rfa_runtime.errors import MissingExtraError, OptionError, PromptError

try:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError as error:
    raise MissingExtraError(
        "jinja2 is not installed, chats become texts by it: pip install 'rfa-runtime[chat]'"
    ) from error


class Rendering:
    """A template, ready to make a text of messages."""

    def __init__(self, template: str, names: dict[str, str]) -> None:
        """names: of special tokens, such as `eos_token`.  Raises OptionError for a template that cannot be read."""
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = to_json
        environment.globals["raise_exception"] = refuse
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        self._names = names
        try:
            self._template = environment.from_string(template)
        except (TemplateError, RecursionError) as error:
            raise OptionError(f"the chat template cannot be read: {error}") from error

    def render(self, messages: Sequence[dict[str, str]]) -> str:
        """The text up to where the model is to answer.  Raises PromptError where the template refuses the messages."""
        try:
            return self._template.render(messages=list(messages), add_generation_prompt=True, **self._names)
        except Exception as error:  # a stranger's program: whatever it raises, it cannot take them
            raise PromptError(f"the chat template refuses these messages: {error}") from error


def to_json(value: Any, indent: int | None = None) -> str:
    """As Hugging Face does it: Jinja's own filter would escape characters for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def refuse(message: str) -> None:
    """What a template calls for messages that it cannot take."""
    raise TemplateError(message)
