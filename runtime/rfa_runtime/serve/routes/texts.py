"""The routes of a language model: texts, tokens and sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rfa_runtime.decoding.chat_template import Message
from rfa_runtime.decoding.past import Past
from rfa_runtime.decoding.stopping import stop_strings
from rfa_runtime.serve.answer import Answer
from rfa_runtime.serve.asking import prompts_of, settings_of
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.replies import DONE, KEEP_ALIVE, ChatForm, CompletionForm, Form, Json, Written, event
from rfa_runtime.serve.texts import Ask, TextService
from rfa_runtime.serve.wire import ChatRequest, CompletionRequest, DetokenizeRequest, Generating, TokenizeRequest

Encode = Callable[[Past | None], tuple[list[Ask], tuple[str, ...]]]
"""From what was read before to prompts as tokens, and strings that end their texts."""
CLIENT_GONE = 499
"""The status that nobody reads: the client closed the connection."""


def add_texts(app: FastAPI, service: TextService) -> None:
    """The routes that write."""

    @app.post("/v1/completions")
    async def completions(asked: CompletionRequest, request: Request) -> Response:
        """Continue prompts."""
        service.check_model(asked.model)
        prompts = prompts_of(asked)

        def encode(past: Past | None) -> tuple[list[Ask], tuple[str, ...]]:
            return [service.encode(prompt, past) for prompt in prompts], ()

        form = CompletionForm(service.name, service.words)
        return await reply(service, asked, request, form, len(prompts), encode)

    @app.post("/v1/chat/completions")
    async def chat_completions(asked: ChatRequest, request: Request) -> Response:
        """Answer a chat."""
        service.check_model(asked.model)
        messages = [Message(message.role, message.text) for message in asked.messages]

        def encode(past: Past | None) -> tuple[list[Ask], tuple[str, ...]]:
            ask, stops = service.encode_chat(messages, past)
            return [ask], stops

        form = ChatForm(service.name, service.words)
        return await reply(service, asked, request, form, 1, encode)


async def reply(
    service: TextService, asked: Generating, request: Request, form: Form, prompts: int, encode: Encode
) -> Response:
    """The answer as a whole, or as a stream."""
    count = asked.n or 1
    answer = await asyncio.to_thread(begin, service, asked, prompts, count, encode)
    if asked.stream:
        wants_usage = asked.stream_options is not None and asked.stream_options.include_usage
        return EventStream(answer, events(answer, form, wants_usage))
    try:
        texts = await unless_gone(request, whole(answer))
        if texts is None:
            return Response(status_code=CLIENT_GONE)
        more = await answer.remember()
        return JSONResponse({**form.reply(texts, answer.usage), **more})
    finally:
        answer.close()


def begin(service: TextService, asked: Generating, prompts: int, count: int, encode: Encode) -> Answer:
    """Ask the engine.  Raises ApiError, OptionError, PromptError."""
    wanted = settings_of(asked, service.settings)
    memory = service.recall(asked, prompts * count)
    try:
        asks, stops = encode(memory.past)
        if stops:
            wanted["stop"] = (*stops, *stop_strings(wanted.get("stop", ())))
        return service.ask(asks, count, wanted, memory)
    except BaseException:
        memory.release()
        raise


class EventStream(StreamingResponse):
    """A stream of events, which lets everything go when it ends, or where nobody ever reads it."""

    def __init__(self, answer: Answer, body: AsyncGenerator[bytes]) -> None:
        super().__init__(body, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


async def whole(answer: Answer) -> list[Written]:
    """All texts, once they are over."""
    texts = [Written() for _ in range(answer.count)]
    async for arrived in answer.pieces():
        if arrived is not None:
            place, piece = arrived
            texts[place].pieces.append(piece)
    return texts


async def events(answer: Answer, form: Form, wants_usage: bool) -> AsyncGenerator[bytes]:
    """The answer as a stream of events.  An error in the middle is an event, too: the status was sent before."""
    offsets = [0] * answer.count
    for place in range(answer.count):
        first = form.begin(place)
        if first is not None:
            yield event(form.chunk([first], None, wants_usage))
    pieces = answer.pieces()
    try:
        async for arrived in pieces:
            if arrived is None:
                yield KEEP_ALIVE
                continue
            place, piece = arrived
            yield event(form.chunk([form.delta(place, piece, offsets[place])], None, wants_usage))
            offsets[place] += len(piece.text)
        more = await answer.remember()
    except ApiError as error:
        yield event(error.as_table())
        return
    finally:
        await pieces.aclose()
    if wants_usage or more:
        usage = answer.usage if wants_usage else None
        yield event({**form.chunk([], usage, wants_usage), **more})
    yield DONE


async def unless_gone(request: Request, work: Any) -> Any:
    """The result of some work; None where the client closes the connection before, and then the work ends."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        return None
    finally:
        for task in (working, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def gone(request: Request) -> None:
    """Wait until the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def add_tokens(app: FastAPI, service: TextService) -> None:
    """The routes about tokens."""

    @app.post("/tokenize")
    async def tokenize(asked: TokenizeRequest) -> Json:
        """Text to tokens, as a prompt."""
        ask = await asyncio.to_thread(service.encode, asked.prompt)
        return {"tokens": ask.ids, "count": len(ask.ids)}

    @app.post("/detokenize")
    async def detokenize(asked: DetokenizeRequest) -> Json:
        """Tokens to text."""
        tokenizer = service.model.writer.tokenizer
        if tokenizer is None:
            raise ApiError(400, f"{service.name} has no tokenizer")
        most = service.bundle.manifest.vocab_size
        if any(not 0 <= token < most for token in asked.tokens):
            raise ApiError(400, f"tokens are numbers from 0 to {most - 1:,}", param="tokens")
        return {"prompt": tokenizer.decode(asked.tokens, skip_special_tokens=False)}
