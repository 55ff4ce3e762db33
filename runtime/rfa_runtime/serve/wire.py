"""What clients send: OpenAI's fields, and those that vLLM added for sampling.  Other fields are ignored.

A field that changes the answer and that we do not know how to honour is refused by name, never dropped in silence.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=0)]
TokenList = Annotated[list[int], Field(min_length=1)]


class Wire(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="allow", strict=False)


class StreamOptions(Wire):
    """How a stream ends."""

    include_usage: bool = False


class JsonSchema(Wire):
    """A schema with a name."""

    name: str | None = None
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")


class ResponseFormat(Wire):
    """What form the answer has."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StructuredOutputs(Wire):
    """Other forms, as vLLM names them."""

    json_: dict[str, Any] | None = Field(default=None, alias="json")
    regex: str | None = None
    grammar: str | None = None


class Generating(Wire):
    """What requests for texts have in common.  None: as the bundle says."""

    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[int, float] | None = None
    response_format: ResponseFormat | None = None
    top_k: int | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float | None = None
    min_tokens: Count | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool | None = None
    structured_outputs: StructuredOutputs | None = None
    session: str | None = None
    """Ours: the text goes on in this session."""
    state: str | None = None
    """Ours: the text goes on from this state, in base64."""
    return_state: bool = False
    """Ours: the reply is to have the state at its end."""


class CompletionRequest(Generating):
    """`POST /v1/completions`."""

    prompt: str | list[str] | TokenList | list[TokenList] = ""
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool = False
    best_of: int | None = None
    suffix: str | None = None

    @model_validator(mode="after")
    def refuse(self) -> CompletionRequest:
        """Refuse what we cannot do."""
        if self.echo:
            raise ValueError("echo is not supported: the prompt is yours already")
        if self.suffix:
            raise ValueError("suffix is not supported: the model writes forwards only")
        if self.best_of is not None and self.best_of != (self.n or 1):
            raise ValueError("best_of is not supported beyond n: ask for n texts and choose")
        return self


class TextPart(Wire):
    """A part of a message."""

    type: Literal["text"]
    text: str


class ChatMessage(Wire):
    """What somebody said."""

    role: str
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        """The whole message."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class ChatRequest(Generating):
    """`POST /v1/chat/completions`."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: list[Any] | None = None

    @model_validator(mode="after")
    def refuse(self) -> ChatRequest:
        """Refuse what we cannot do."""
        if self.tools:
            raise ValueError("tools are not supported: describe them in a message, and ask for a response_format")
        return self


class TokenizeRequest(Wire):
    """`POST /tokenize`."""

    prompt: str


class DetokenizeRequest(Wire):
    """`POST /detokenize`."""

    tokens: list[int]


class SessionRequest(Wire):
    """`POST /v1/sessions`."""

    state: str | None = None


class LinesRequest(Wire):
    """What requests to translators and classifiers have in common."""

    model: str | None = None


class TranslationRequest(LinesRequest):
    """`POST /v1/translations`."""

    input: str | Annotated[list[str], Field(min_length=1)]
    beam: Annotated[int, Field(ge=1, le=64)] = 1
    n_best: Annotated[int, Field(ge=1, le=64)] = 1
    length_penalty: float | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None


Pair = tuple[str, str]


class ClassificationRequest(LinesRequest):
    """`POST /v1/classifications`."""

    input: str | Annotated[list[str | Pair], Field(min_length=1)]
