"""The application behind a port, until somebody ends it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import MissingExtraError
from rfa_runtime.serve.settings import ServeSettings

try:
    import uvicorn

    from rfa_runtime.serve.app import create_app
except ImportError as error:
    raise MissingExtraError(f"{error.name} is not installed: pip install 'rfa-runtime[serve]'") from error

DRAIN_SECONDS = 30
"""That texts which have begun may take once the server is to end."""


def listen(bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Any], host: str, port: int) -> None:
    """Answer requests.  SIGTERM and Ctrl-C end it: no new ones, and those that have begun come to their end.

    open_model: loads the weights, while the server answers already that it is not ready.  Raises MissingExtraError,
    OSError for a port that is taken.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    app = create_app(bundle, settings, open_model)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=DRAIN_SECONDS)
