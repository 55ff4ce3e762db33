"""What can go wrong while models are made, trained, saved and loaded.

    ModelError
    ├── ConfigError      (ValueError)        a setting that cannot work, or an unknown key
    ├── CheckpointError  (ValueError)        a file that is no checkpoint of ours, or a damaged one
    ├── DataError        (ValueError)        text that cannot be read, or too little text
    ├── LostProcessError (ChildProcessError) another process of the same training has ended
    └── TrainingError    (ArithmeticError)   a run whose numbers are no longer finite

Messages say what came, what was wanted and what to do next; the command line prints them as one line, with its own
names for settings (`rfa_runtime/wording.py`).
"""

from rfa_runtime.wording import WordedError


class ModelError(WordedError):
    """Parent of everything that rfa_models raises on purpose."""


class ConfigError(ModelError, ValueError):
    """A setting is unknown, of the wrong type, or impossible together with another."""


class CheckpointError(ModelError, ValueError):
    """A checkpoint is damaged, foreign, or newer than this code."""


class DataError(ModelError, ValueError):
    """A text file cannot be read as text, or is too short to learn from."""


class LostProcessError(ModelError, ChildProcessError):
    """One of the processes that train together has ended before the others."""


class TrainingError(ModelError, ArithmeticError):
    """A training run has diverged: its loss, gradient or weights are not finite."""
