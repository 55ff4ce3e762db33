"""What can go wrong while bundles are read, written and run.

    RfaRuntimeError
    ├── BundleError             (ValueError)        a folder that is not a bundle, or cannot become one
    │   ├── BundleExistsError   (FileExistsError)   something is there already
    │   ├── BundleIntegrityError                    files are missing, extra or changed
    │   ├── BundlePathError                         a file name that could lead out of the bundle, or no plain file
    │   ├── BundleVersionError                      a format newer than this reader
    │   └── ManifestError                           manifest.json is missing, malformed or impossible
    ├── MissingBackendError     (ImportError)       ONNX Runtime is not installed
    ├── MissingExtraError       (ImportError)       a package that an extra brings is not installed
    ├── OptionError             (ValueError)        a setting that cannot work
    ├── OutputBusyError         (OSError)           another process writes the same file or folder
    ├── OutputExistsError       (FileExistsError)   a file of answers that is not to be lost
    ├── PromptError             (ValueError)        a prompt that cannot be continued
    ├── SessionError            (RuntimeError)      ONNX Runtime cannot load or run a graph
    │   └── LogitsError         (ArithmeticError)   a graph gave numbers that nothing can be chosen from
    ├── StateError              (ValueError)        a state that does not fit the bundle or the batch
    │   ├── StateFileError                          a file that holds no state, a damaged one, or one of another bundle
    │   └── StateVersionError                       a file in a format newer than this reader
    └── TextError               (ValueError)        a text that cannot be read or scored

Messages say what came, what was wanted and what to do next; the command line prints them as one line, with its own
names for settings (`wording.py`).
"""

from rfa_runtime.wording import WordedError


class RfaRuntimeError(WordedError):
    """Parent of everything that rfa_runtime raises on purpose."""


class BundleError(RfaRuntimeError, ValueError):
    """A folder is not a bundle, or cannot become one."""


class BundleExistsError(BundleError, FileExistsError):
    """The place where a bundle should appear is taken."""


class BundleIntegrityError(BundleError):
    """The files of a bundle are not the ones that its manifest lists."""


class BundlePathError(BundleError):
    """A name that could lead out of the bundle, or a thing that is no plain file."""


class BundleVersionError(BundleError):
    """A bundle was written in a format newer than this reader."""


class ManifestError(BundleError):
    """The manifest is missing, malformed, or says something impossible."""


class MissingBackendError(RfaRuntimeError, ImportError):
    """ONNX Runtime is not installed."""


class MissingExtraError(RfaRuntimeError, ImportError):
    """A package is not installed that only some uses need."""


class OptionError(RfaRuntimeError, ValueError):
    """A setting is out of range, or makes no sense."""


class OutputBusyError(RfaRuntimeError, OSError):
    """Another process is writing the file or folder that should be written."""


class OutputExistsError(RfaRuntimeError, FileExistsError):
    """A file of answers is there, and it is not one that this run may continue."""


class PromptError(RfaRuntimeError, ValueError):
    """A prompt cannot be continued."""


class SessionError(RfaRuntimeError, RuntimeError):
    """ONNX Runtime cannot load or run a graph."""


class LogitsError(SessionError, ArithmeticError):
    """A graph gave logits that no token can be chosen from."""


class StateError(RfaRuntimeError, ValueError):
    """A state does not fit the bundle or the batch that it is used with."""


class StateFileError(StateError):
    """A file holds no state, a damaged one, or one of another bundle."""


class StateVersionError(StateError):
    """A state was saved in a format newer than this reader."""


class TextError(RfaRuntimeError, ValueError):
    """A text cannot be read or scored."""
