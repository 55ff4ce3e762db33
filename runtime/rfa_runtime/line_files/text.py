"""Text files as they are."""

from __future__ import annotations

from pathlib import Path

from rfa_runtime.errors import TextError


def read_text(file: Path | str) -> str:
    """Read a UTF-8 file, line ends included.  Raises TextError where the bytes are not text, OSError as `open` does."""
    return decode(Path(file).read_bytes(), str(file))


def decode(data: bytes, source: str) -> str:
    """Read bytes as UTF-8.  source: named in the error."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        raise TextError(f"{source}: {found} is not UTF-8: convert the text first") from error
