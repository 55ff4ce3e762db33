"""The routes of `rfa-serve`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.chat_template import Message
from rfa_runtime.decoding.stopping import stop_strings
from rfa_runtime.engine.engine import Engine, stream_bytes
from rfa_runtime.errors import OptionError, PromptError, RfaRuntimeError
from rfa_runtime.serve.asking import prompts_of, settings_of
from rfa_runtime.serve.limits import Limits
from rfa_runtime.serve.problems import ApiError, server_error
from rfa_runtime.serve.replies import DONE, KEEP_ALIVE, ChatForm, CompletionForm, Form, Written, event
from rfa_runtime.serve.service import Answer, Service
from rfa_runtime.serve.settings import ServeSettings
from rfa_runtime.serve.wire import ChatRequest, CompletionRequest, DetokenizeRequest, Generating, TokenizeRequest

LOG = logging.getLogger(__name__)
CLIENT_GONE = 499
"""The status that nobody reads: the client closed the connection."""


def create_app(bundle: Bundle, settings: ServeSettings, open_engine: Callable[[], Engine]) -> FastAPI:
    """The application.  open_engine: loads the weights, once the server has begun to listen."""
    service = Service(bundle, settings, open_engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(service.load())
        yield
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading
        await service.close()

    app = FastAPI(title="rfa-serve", version=rfa_runtime.__version__, lifespan=lifespan)
    app.add_middleware(Limits, settings=settings, metrics=service.metrics)
    add_error_handlers(app)
    add_texts(app, service)
    add_tokens(app, service)
    add_figures(app, service)
    return app


def add_texts(app: FastAPI, service: Service) -> None:
    """The routes that write."""

    @app.post("/v1/completions")
    async def completions(asked: CompletionRequest, request: Request) -> Response:
        """Continue prompts."""
        service.check_model(asked.model)
        wanted = settings_of(asked, service.settings)
        prompts = prompts_of(asked)
        asks = await asyncio.to_thread(lambda: [service.encode(prompt) for prompt in prompts])
        answer = await asyncio.to_thread(service.ask, asks, asked.n or 1, wanted)
        return await reply(asked, request, answer, CompletionForm(service.model, service.words))

    @app.post("/v1/chat/completions")
    async def chat_completions(asked: ChatRequest, request: Request) -> Response:
        """Answer a chat."""
        service.check_model(asked.model)
        wanted = settings_of(asked, service.settings)
        messages = [Message(message.role, message.text) for message in asked.messages]
        ask, stops = await asyncio.to_thread(service.encode_chat, messages)
        if stops:
            wanted["stop"] = (*stops, *stop_strings(wanted.get("stop", ())))
        answer = await asyncio.to_thread(service.ask, [ask], asked.n or 1, wanted)
        return await reply(asked, request, answer, ChatForm(service.model, service.words))


async def reply(asked: Generating, request: Request, answer: Answer, form: Form) -> Response:
    """The answer as a whole, or as a stream."""
    if asked.stream:
        wants_usage = asked.stream_options is not None and asked.stream_options.include_usage
        body = events(answer, form, wants_usage)
        return StreamingResponse(body, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
    texts = await unless_gone(request, whole(answer))
    if texts is None:
        return Response(status_code=CLIENT_GONE)
    return JSONResponse(form.reply(texts, answer.usage))


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
    except ApiError as error:
        yield event(error.as_table())
        return
    finally:
        await pieces.aclose()
    if wants_usage:
        yield event(form.chunk([], answer.usage, wants_usage))
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


def add_tokens(app: FastAPI, service: Service) -> None:
    """The routes about tokens and models."""

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """What is served."""
        entry = {"id": service.model, "object": "model", "created": service.started, "owned_by": "rfa-export"}
        return {"object": "list", "data": [entry]}

    @app.post("/tokenize")
    async def tokenize(asked: TokenizeRequest) -> dict[str, Any]:
        """Text to tokens, as a prompt."""
        ask = await asyncio.to_thread(service.encode, asked.prompt)
        return {"tokens": ask.ids, "count": len(ask.ids)}

    @app.post("/detokenize")
    async def detokenize(asked: DetokenizeRequest) -> dict[str, Any]:
        """Tokens to text."""
        tokenizer = service.engine.writer.tokenizer
        if tokenizer is None:
            raise ApiError(400, f"{service.model} has no tokenizer")
        most = service.bundle.manifest.vocab_size
        if any(not 0 <= token < most for token in asked.tokens):
            raise ApiError(400, f"tokens are numbers from 0 to {most - 1:,}", param="tokens")
        return {"prompt": tokenizer.decode(asked.tokens, skip_special_tokens=False)}


def add_figures(app: FastAPI, service: Service) -> None:
    """The routes for those who look after the server."""

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether requests are answered."""
        service.engine  # noqa: B018  raises while it is loaded
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(service.figures(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/stats")
    async def stats() -> dict[str, Any]:
        """What the page shows."""
        waiting, reading, writing = service.engine.counts
        return {
            "model": service.model,
            "waiting": waiting,
            "streams": reading + writing,
            "state_bytes": stream_bytes(service.bundle),
        }

    @app.get("/")
    async def page() -> HTMLResponse:
        """A page to try the model on."""
        return HTMLResponse((files("rfa_runtime.serve") / "page.html").read_text(encoding="utf-8"))


def add_error_handlers(app: FastAPI) -> None:
    """Every error is an object, with a status that says whose fault it is."""

    @app.exception_handler(ApiError)
    async def known(_: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.as_table(), error.status, error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        message = str(first["msg"]).removeprefix("Value error, ")
        problem = ApiError(400, f"{place}: {message}" if place else message, param=place or None)
        return JSONResponse(problem.as_table(), problem.status)

    @app.exception_handler(HTTPException)
    async def unknown_route(request: Request, error: HTTPException) -> JSONResponse:
        problem = ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
        return JSONResponse(problem.as_table(), problem.status, error.headers)

    @app.exception_handler(RfaRuntimeError)
    async def refused(_: Request, error: RfaRuntimeError) -> JSONResponse:
        of_client = isinstance(error, OptionError | PromptError)
        problem = ApiError(400, str(error)) if of_client else server_error(error)
        if not of_client:
            LOG.error("a request failed: %s", error)
        return JSONResponse(problem.as_table(), problem.status)

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> JSONResponse:
        problem = server_error(error)
        return JSONResponse(problem.as_table(), problem.status)
