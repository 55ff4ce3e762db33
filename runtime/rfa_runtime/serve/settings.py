"""How a server behaves: limits, waits, and who may ask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rfa_runtime.checks import whole_number
from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting

LARGEST = 1 << 40


@dataclass(frozen=True)
class ServeSettings:
    """Raises OptionError for what cannot work."""

    model_name: str | None = None
    """What clients call the model; None: the name of its folder."""
    api_key: str | None = None
    """Clients have to send it as a bearer token; None: nobody is asked."""
    max_body_bytes: int = 8 << 20
    """Of a request."""
    max_prompt_tokens: int = 1 << 20
    """Of one prompt."""
    max_new_tokens: int = 4096
    """Of one text."""
    max_texts: int = 64
    """That one request may ask for."""
    max_queue: int = 256
    """Texts that wait for a place; more are sent away with the status 429."""
    client_states: bool = False
    """Whether clients may get the state of a text, and bring one to go on from."""
    session_bytes: int = 64 << 20
    """Of memory, for sessions; those that were not used for longest go first."""
    session_folder: Path | None = None
    """Where sessions are written after each reply, so that they outlive the server."""
    session_folder_bytes: int = 1 << 30
    """Of the folder."""
    request_seconds: float = 600.0
    """After which a request is ended."""
    keep_alive_seconds: float = 10.0
    """After which a stream with nothing to say sends a comment, so that nobody thinks it dead."""

    def __post_init__(self) -> None:
        for name in ("max_body_bytes", "max_prompt_tokens", "max_new_tokens", "max_texts"):
            whole_number(name, getattr(self, name), 1, LARGEST)
        for name in ("max_queue", "session_bytes", "session_folder_bytes"):
            whole_number(name, getattr(self, name), 0, LARGEST)
        for name in ("request_seconds", "keep_alive_seconds"):
            if not getattr(self, name) > 0:
                raise OptionError(Setting(name), f" is {getattr(self, name)!r}, wanted seconds above 0")
        if self.api_key is not None and not self.api_key.isascii():
            raise OptionError(Setting("api_key"), " has letters that no header can carry: wanted plain ASCII")
