"""What holds a loaded graph stays in its process: it cannot be copied, pickled or sent to another one."""

from __future__ import annotations

from typing import NoReturn

from rfa_runtime.errors import SessionError


class OwnProcess:
    """Parent of classes that hold a session of ONNX Runtime."""

    def __reduce__(self) -> NoReturn:
        """Raise SessionError, also for `copy.copy`: what pickle says names a class that nobody has asked for."""
        name = type(self).__name__
        raise SessionError(
            f"a {name} cannot be pickled or copied, as its graph lies in this process: give other processes the "
            f"bundle's path and make a {name} in each; start them by `spawn`, not by `fork`"
        )
