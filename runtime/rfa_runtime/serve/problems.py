"""Errors as clients of OpenAI's API expect them: a status of 4xx or 5xx, and an object that says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """A request that gets no answer."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """status: of HTTP.  message: for people.  kind, code and param: OpenAI's words for programs."""
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def as_table(self) -> dict[str, Any]:
        """The body of the reply."""
        message = str(self).encode(errors="replace").decode()  # it may quote what is no text
        return {"error": {"message": message, "type": self.kind, "param": self.param, "code": self.code}}


def server_error(error: BaseException) -> ApiError:
    """A fault that is not the client's: what it was is in the log, not in the reply."""
    return ApiError(500, f"the server failed ({type(error).__name__}): its log says more", "server_error")
