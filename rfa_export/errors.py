"""What can go wrong on the way from a checkpoint to a bundle.

ExportError
├── TraceError      (ValueError)   the module cannot be traced, or holds no attention of ours
├── GraphError      (ValueError)   the finished graph breaks the interface that runtimes rely on
├── TargetError     (ValueError)   a target, precision or opset that cannot be had
├── TokenizerError  (ValueError)   the tokenizer lacks a token that the task needs
└── ParityError     (ValueError)   the bundle does not compute what the checkpoint computes
"""

from rfa_runtime.wording import WordedError


class ExportError(WordedError):
    """Parent of everything that rfa_export raises on purpose."""


class TraceError(ExportError, ValueError):
    """A module that cannot become a step graph."""


class GraphError(ExportError, ValueError):
    """A graph that breaks the contract of `graph/names.py`."""


class TokenizerError(ExportError, ValueError):
    """A tokenizer without a token that the model starts or ends its texts with."""


class ParityError(ExportError, ValueError):
    """A candidate bundle whose results differ from torch's by more than the tolerance."""


class TargetError(ExportError, ValueError):
    """A target, precision, opset or measurement that cannot be had for this model."""
