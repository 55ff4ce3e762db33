"""Where `rfa-run` begins: Ctrl-C ends it quietly also while its modules are still being loaded."""

from __future__ import annotations

import sys

try:
    from rfa_runtime.commands.run import main
except KeyboardInterrupt:
    sys.exit(130)

__all__ = ["main"]
