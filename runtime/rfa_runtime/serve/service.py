"""What stands behind the routes, whatever the bundle is for: a model that is loaded once, and what it did."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.serve.metrics import Metrics
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.settings import ServeSettings

LOG = logging.getLogger(__name__)
RETRY_SECONDS = 1
Model = TypeVar("Model")
"""What loads the weights: an Engine, a Translator or a Classifier."""


class Service(ABC, Generic[Model]):
    """One bundle, loaded once, for all requests."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Model]) -> None:
        """open_model: loads the weights; called in `load`, not before, so that a process may be forked until then."""
        self.bundle = bundle
        self.settings = settings
        self.name = settings.model_name or bundle.path.stem
        self.metrics = Metrics(self.name)
        self.state_bytes = 0
        """What a text keeps while it is worked on."""
        self.started = int(time.time())
        self._open_model = open_model
        self._model: Model | None = None
        self._failed: BaseException | None = None

    async def load(self) -> None:
        """Load the weights in a thread: the server answers in the meantime."""
        try:
            self._model = await asyncio.to_thread(self._open_model)
        except (RfaRuntimeError, OSError) as error:
            LOG.error("the model cannot be loaded: %s", error)
            self._failed = error

    async def close(self) -> None:
        """End all work."""

    @property
    def model(self) -> Model:
        """Raises ApiError while it is loaded, and where it could not be."""
        if self._failed is not None:
            raise ApiError(503, f"the model cannot be loaded: {self._failed}", "server_error")
        if self._model is None:
            raise ApiError(503, "the model is being loaded: ask again soon", "server_error", "loading")
        return self._model

    def check_ready(self) -> None:
        """Raise ApiError while there is no model."""
        _ = self.model

    @property
    def ready(self) -> bool:
        """Whether it is loaded."""
        return self._model is not None

    def check_model(self, name: str | None) -> None:
        """Raise ApiError for the name of another model."""
        if name and name != self.name:
            raise ApiError(
                404, f"the model {name!r} does not exist, this server has {self.name!r}", code="model_not_found"
            )

    @property
    @abstractmethod
    def counts(self) -> tuple[int, int]:
        """What waits, and what is being worked on; nothing before the model is loaded."""

    def figures(self) -> bytes:
        """For Prometheus."""
        waiting, running = self.counts
        return self.metrics.page(waiting, running, running * self.state_bytes)


AnyService = Service[Any]


def too_many(waiting: int, what: str) -> ApiError:
    """The error of a request that finds the queue full."""
    return ApiError(
        429,
        f"{waiting:,} {what} wait already: ask again later",
        "rate_limit_error",
        "queue_full",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
