"""The application: routes for the task of a bundle, and errors as objects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import CLASSIFICATION, TRANSLATION
from rfa_runtime.errors import MissingExtraError, OptionError, PromptError, RfaRuntimeError
from rfa_runtime.serve.limits import Limits
from rfa_runtime.serve.lines import ClassificationService, TranslationService
from rfa_runtime.serve.problems import ApiError, server_error
from rfa_runtime.serve.routes.figures import add_figures
from rfa_runtime.serve.routes.lines import add_classifications, add_translations
from rfa_runtime.serve.routes.sessions import add_sessions
from rfa_runtime.serve.routes.texts import add_texts, add_tokens
from rfa_runtime.serve.service import AnyService
from rfa_runtime.serve.settings import ServeSettings
from rfa_runtime.serve.texts import TextService

LOG = logging.getLogger(__name__)
ROUTES = {TRANSLATION: "/v1/translations", CLASSIFICATION: "/v1/classifications"}
"""Of tasks; language models have OpenAI's."""


def create_app(bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Any]) -> FastAPI:
    """The application.

    open_model: loads the weights, as an Engine, a Translator or a Classifier, once the server has begun to listen.  So
    a server that forks its workers before they listen, as gunicorn and uvicorn do, is safe: each loads its own.
    Raises OSError where there can be no folder of sessions, OutputBusyError where another server has it.
    """
    app = FastAPI(title="rfa-serve", version=rfa_runtime.__version__)
    service = service_of(app, bundle, settings, open_model)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(service.load())
        yield
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading
        await service.close()

    app.router.lifespan_context = lifespan
    app.add_middleware(Limits, settings=settings, metrics=service.metrics)
    add_error_handlers(app, bundle)
    add_figures(app, service)
    return app


def service_of(app: FastAPI, bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Any]) -> AnyService:
    """What is behind the routes of the bundle's task, which it adds."""
    if bundle.manifest.task == TRANSLATION:
        translator = TranslationService(bundle, settings, open_model)
        add_translations(app, translator)
        return translator
    if bundle.manifest.task == CLASSIFICATION:
        classifier = ClassificationService(bundle, settings, open_model)
        add_classifications(app, classifier)
        return classifier
    writer = TextService(bundle, settings, open_model)
    add_texts(app, writer)
    add_tokens(app, writer)
    add_sessions(app, writer)
    return writer


def add_error_handlers(app: FastAPI, bundle: Bundle) -> None:
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
        message = f"{request.method} {request.url.path}: {error.detail}"
        route = ROUTES.get(bundle.manifest.task)
        if error.status_code == HTTPStatus.NOT_FOUND and route is not None:
            message += f"; {bundle.path.name} is for the task {bundle.manifest.task!r}: ask {route}"
        problem = ApiError(error.status_code, message)
        return JSONResponse(problem.as_table(), problem.status, error.headers)

    @app.exception_handler(RfaRuntimeError)
    async def refused(_: Request, error: RfaRuntimeError) -> JSONResponse:
        problem = problem_of(error)
        return JSONResponse(problem.as_table(), problem.status)

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> JSONResponse:
        problem = server_error(error)
        return JSONResponse(problem.as_table(), problem.status)


def problem_of(error: RfaRuntimeError) -> ApiError:
    """An error of the runtime as one of HTTP: whose fault it is."""
    if isinstance(error, OptionError | PromptError):
        return ApiError(400, str(error))
    LOG.error("a request failed: %s", error)
    if isinstance(error, MissingExtraError):
        return ApiError(501, str(error), "server_error")
    return server_error(error)
