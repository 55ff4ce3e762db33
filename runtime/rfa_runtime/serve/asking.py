"""From what a client sent to what the engine is asked for."""

from __future__ import annotations

import json
from typing import Any

from rfa_runtime.decoding.grammar import Grammar
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.settings import ServeSettings
from rfa_runtime.serve.wire import ChatRequest, CompletionRequest, Generating

SAME_NAMES = (
    *("temperature", "top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "seed"),
    *("presence_penalty", "frequency_penalty", "logit_bias", "min_tokens", "stop_token_ids", "ignore_eos"),
)
"""Fields that the engine calls the same."""
COMPLETION_TOKENS = 16
"""Of a completion, where nobody says how many: as at OpenAI."""
CHAT_TOKENS = 1024
"""Of an answer."""
ANY_OBJECT: dict[str, Any] = {"type": "object"}


def settings_of(asked: Generating, limits: ServeSettings) -> dict[str, Any]:
    """The keywords of `Engine.submit`.  Raises ApiError for more tokens than the server writes."""
    found: dict[str, Any] = {"max_new_tokens": length_of(asked, limits)}
    for name in SAME_NAMES:
        value = getattr(asked, name)
        if value is not None:
            found[name] = value
    if asked.stop is not None:
        found["stop"] = asked.stop
    form = grammar_of(asked)
    if form is not None:
        found["grammar"] = form
    logprobs = logprobs_of(asked)
    if logprobs is not None:
        found["logprobs"] = logprobs
    return found


def length_of(asked: Generating, limits: ServeSettings) -> int:
    """How many tokens may be written."""
    wanted = asked.max_tokens
    usual = COMPLETION_TOKENS
    if isinstance(asked, ChatRequest):
        wanted = asked.max_completion_tokens or asked.max_tokens
        usual = CHAT_TOKENS
    if wanted is None:
        return min(usual, limits.max_new_tokens)
    if wanted > limits.max_new_tokens:
        raise ApiError(
            400,
            f"max_tokens is {wanted:,}, this server writes up to {limits.max_new_tokens:,}: ask for fewer",
            param="max_tokens",
        )
    return wanted


def logprobs_of(asked: Generating) -> int | None:
    """How many alternatives of each token are wanted; None for no likelihoods."""
    if isinstance(asked, CompletionRequest):
        return asked.logprobs
    if isinstance(asked, ChatRequest) and asked.logprobs:
        return asked.top_logprobs or 0
    return None


def grammar_of(asked: Generating) -> Grammar | None:
    """The form of the answer.  Raises ApiError where several came."""
    found = []
    given = asked.response_format
    if given is not None and given.type == "json_object":
        found.append(Grammar.json_schema(json.dumps(ANY_OBJECT)))
    if given is not None and given.type == "json_schema":
        if given.json_schema is None:
            raise ApiError(400, "response_format has no json_schema", param="response_format")
        found.append(Grammar.json_schema(json.dumps(given.json_schema.schema_)))
    others = asked.structured_outputs
    if others is not None:
        if others.json_ is not None:
            found.append(Grammar.json_schema(json.dumps(others.json_)))
        if others.regex is not None:
            found.append(Grammar.regex(others.regex))
        if others.grammar is not None:
            found.append(Grammar.lark(others.grammar))
    if len(found) > 1:
        raise ApiError(400, "several forms of the answer came: wanted one", param="response_format")
    return found[0] if found else None


def prompts_of(asked: CompletionRequest) -> list[str | list[int]]:
    """The prompts: each a text, or token ids."""
    prompt = asked.prompt
    if isinstance(prompt, str):
        return [prompt]
    if all(isinstance(item, int) for item in prompt):
        return [[int(item) for item in prompt if isinstance(item, int)]]
    return [item for item in prompt if not isinstance(item, int)]
