"""What holds a loaded graph stays in its process: it cannot be copied, pickled, sent to another one, or forked."""

from __future__ import annotations

import os
from typing import Any, NoReturn, Self

from rfa_runtime.errors import SessionError


class OwnProcess:
    """Parent of classes that hold a session of ONNX Runtime."""

    _process: int

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Note in which process it is made."""
        made = super().__new__(cls)
        made._process = os.getpid()
        return made

    def check_process(self) -> None:
        """Raise SessionError in a process that was forked afterwards: the threads of a step are not there."""
        if os.getpid() != self._process:
            name = type(self).__name__
            raise SessionError(
                f"this {name} was made before the process was forked, and its threads stayed behind: make another one "
                "in each process, after the fork"
            )

    def __reduce__(self) -> NoReturn:
        """Raise SessionError, also for `copy.copy`: what pickle says names a class that nobody has asked for."""
        name = type(self).__name__
        raise SessionError(
            f"a {name} cannot be pickled or copied, as its graph lies in this process: give other processes the "
            f"bundle's path and make a {name} in each; start them by `spawn`, not by `fork`"
        )
