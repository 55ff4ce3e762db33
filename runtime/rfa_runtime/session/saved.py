"""A state as one file: what was read, the tensors, and the logits after the last token, so that nothing is read again.

It is a safetensors file.  Its metadata has one entry, a table as JSON:

    format_version  1
    bundle          sha256 of the bundle that the state belongs to
    lengths         tokens that each row has read
    sha256          of the whole file, these 64 digits written as zeros

and its tensors are those of the state by the names of the graph's inputs, `logits` [B, N] float32 after the last
token, and `token_ids.ROW` int32 [T] where somebody knew them.

Letters: B rows, T tokens, N vocabulary.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from rfa_runtime.bundle.whole_file import written_whole
from rfa_runtime.errors import StateFileError, StateVersionError

FORMAT_VERSION = 1
ENTRY = "rfa_state"
LOGITS = "logits"
TOKEN_IDS = "token_ids."
NO_DIGEST = "0" * 64
LENGTH_BYTES = 8
"""At the beginning of a safetensors file: how long its header is."""
LARGEST_TOKEN = (1 << 31) - 1
LARGEST_LENGTH = 1 << 62
"""Tokens of a text."""
LARGEST_HEADER = 1 << 20
"""Bytes: a state has few tensors."""
TokenIds = tuple[tuple[int, ...], ...]
"""Of each row."""
GET_ANOTHER = ": save it again, or get it again from where it came"


@dataclass(frozen=True)
class SavedState:
    """What a file holds."""

    bundle: str
    """sha256 of the bundle."""
    lengths: list[int]
    """Tokens that each row has read."""
    tensors: Mapping[str, np.ndarray]
    """Of the state, by the names of the graph's inputs."""
    logits: np.ndarray | None
    """float32 [B, N] after the last token; None where nothing was read."""
    token_ids: TokenIds | None = None
    """That each row has read, where they are known."""


def write_saved(saved: SavedState, path: Path | str) -> None:
    """Write a file, whole or not at all: a full disk or a kill leaves the old one.  Raises OSError."""
    data = packed(saved)
    place = Path(path).resolve()  # a link stays one, and leads to the new file
    if place.exists() and not place.is_file():
        raise FileExistsError(f"{path} is a folder, a pipe or a device: name a file")
    with written_whole(place) as file:
        file.write(data)


def packed(saved: SavedState) -> bytes:
    """What a file holds, as bytes."""
    tensors = dict(saved.tensors)
    if saved.logits is not None:
        tensors[LOGITS] = saved.logits
    for row, ids in enumerate(saved.token_ids or ()):
        tensors[f"{TOKEN_IDS}{row}"] = np.array(ids, np.int32)
    table = {
        "format_version": FORMAT_VERSION,
        "bundle": saved.bundle,
        "lengths": saved.lengths,
        "sha256": NO_DIGEST,
    }
    contents = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    data = save(contents, {ENTRY: json.dumps(table)})
    digest = hashlib.sha256(data).hexdigest()
    return data.replace(NO_DIGEST.encode(), digest.encode(), 1)


def read_saved(data: bytes, bundle: str, origin: Path | str) -> SavedState:
    """Take apart what a file of a bundle holds.  bundle: its sha256.  origin: what errors call the file.

    Raises StateFileError for a file that is none of ours, damaged in any byte, or of another bundle, StateVersionError
    for one of a newer format.
    """
    table = read_table(data, origin)
    version = table.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise StateVersionError(
            f"{origin}: a state of format {version}, this rfa-runtime reads up to {FORMAT_VERSION}: update rfa-runtime"
        )
    check_digest(data, table.get("sha256"), origin)
    if version != FORMAT_VERSION:
        raise damaged(origin, f"its format_version is {version!r}")
    if table.get("bundle") != bundle:
        raise StateFileError(f"{origin}: a state of another bundle: open the bundle that it was saved with")
    lengths = table.get("lengths")
    if (
        not isinstance(lengths, list)
        or not lengths
        or not all(type(n) is int and 0 <= n <= LARGEST_LENGTH for n in lengths)
    ):
        raise damaged(origin, "it does not say how many tokens were read")
    return take_apart(read_tensors(data, origin), bundle, lengths, origin)


def read_owner(path: Path, bundle: str) -> list[int]:
    """The tokens that a file of one row says it has read, without a look at its tensors.  bundle: sha256.

    Raises StateFileError where it is none of ours, or of another bundle; OSError as `open` does.
    """
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            table = json.loads(metadata.get(ENTRY, "null"))
            if not isinstance(table, dict) or table.get("bundle") != bundle:
                raise StateFileError(f"{path}: a state of another bundle")
            ids = file.get_tensor(f"{TOKEN_IDS}0")
    except (SafetensorError, ValueError, KeyError) as error:
        raise damaged(path, "it does not say which tokens it has read") from error
    if ids.dtype != np.int32 or ids.ndim != 1:
        raise damaged(path, f"its tokens are {ids.dtype} {ids.shape}")
    found: list[int] = ids.tolist()
    return found


def read_table(data: bytes, origin: Path | str) -> dict[str, Any]:
    """The table in the metadata.  Raises StateFileError."""
    size = int.from_bytes(data[:LENGTH_BYTES], "little")
    if len(data) < LENGTH_BYTES or not 0 < size <= min(LARGEST_HEADER, len(data) - LENGTH_BYTES):
        raise damaged(origin, "it has no header")
    try:
        header = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + size])
        table = json.loads(header["__metadata__"][ENTRY])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(origin, "its header says nothing of a state") from error
    if not isinstance(table, dict):
        raise damaged(origin, "its header says nothing of a state")
    return table


def check_digest(data: bytes, digest: object, origin: Path | str) -> None:
    """Raise StateFileError where any byte of the file differs from what was written."""
    if isinstance(digest, str) and len(digest) == len(NO_DIGEST) and digest.isascii():
        empty = data.replace(digest.encode(), NO_DIGEST.encode(), 1)
        if hashlib.sha256(empty).hexdigest() == digest:
            return
    raise damaged(origin, "its bytes are not those that were written")


def read_tensors(data: bytes, origin: Path | str) -> dict[str, np.ndarray]:
    """All tensors.  Raises StateFileError."""
    try:
        return dict(load(data))
    except (SafetensorError, ValueError, KeyError) as error:
        raise damaged(origin, "its tensors cannot be read") from error


def take_apart(tensors: dict[str, np.ndarray], bundle: str, lengths: list[int], origin: Path | str) -> SavedState:
    """The tensors by what they are for.  Raises StateFileError where they do not fit together."""
    logits = tensors.pop(LOGITS, None)
    if logits is not None and (logits.dtype != np.float32 or logits.ndim != 2 or len(logits) != len(lengths)):
        raise damaged(origin, f"its logits are {logits.dtype} {logits.shape} for {len(lengths)} rows")
    found = {name: tensors.pop(name) for name in list(tensors) if name.startswith(TOKEN_IDS)}
    if not found:
        return SavedState(bundle, lengths, tensors, logits)
    token_ids = []
    for row, length in enumerate(lengths):
        ids = found.get(f"{TOKEN_IDS}{row}")
        if ids is None or ids.dtype != np.int32 or ids.shape != (length,):
            raise damaged(origin, f"it has no tokens for row {row}, which has read {length:,}")
        token_ids.append(tuple(ids.tolist()))
    return SavedState(bundle, lengths, tensors, logits, tuple(token_ids))


def check_known(saved: SavedState, vocab_size: int, origin: Path | str) -> None:
    """Raise StateFileError for logits or tokens of another vocabulary."""
    if saved.logits is not None and saved.logits.shape[1] != vocab_size:
        raise damaged(origin, f"its logits are of {saved.logits.shape[1]} tokens, the model knows {vocab_size}")
    for ids in saved.token_ids or ():
        if ids and not 0 <= min(ids) <= max(ids) < vocab_size:
            raise damaged(origin, f"it has tokens from {min(ids)} to {max(ids)}, the model knows {vocab_size}")


def damaged(origin: Path | str, problem: str) -> StateFileError:
    """The error of a file that nobody wrote so."""
    return StateFileError(f"{origin}: no state, or a damaged one ({problem})", GET_ANOTHER)


def known_ids(token_ids: Sequence[Sequence[int]], lengths: Sequence[int]) -> TokenIds:
    """Token ids of each row, checked.  Raises StateFileError where they are not as many as were read."""
    try:
        found = tuple(tuple(map(int, ids)) for ids in token_ids)
    except TypeError as error:
        raise StateFileError(f"token_ids are {token_ids!r:.60}, wanted a list of ids for each row") from error
    if not all(0 <= token <= LARGEST_TOKEN for ids in found for token in ids):
        raise StateFileError("token_ids hold a number that is no token's")
    if [len(ids) for ids in found] != list(lengths):
        came = [len(ids) for ids in found]
        raise StateFileError(f"token_ids of {came} tokens came, the state has read {list(lengths)}")
    return found
