"""The tensors that a state consists of: whether they fit, and how they are made to fit each other.

Letters: B rows of the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from rfa_runtime.bundle.interface import BATCH, SOURCE
from rfa_runtime.bundle.manifest import StateSpec, of_kind
from rfa_runtime.errors import StateError

Arrays = Mapping[str, np.ndarray]
"""By name."""


def check_encoded(specs: Sequence[StateSpec], batch: int, cross: Arrays) -> Arrays:
    """Check what an encoder made of B sources.  Raises StateError where something is missing or does not fit."""
    wanted = of_kind(specs, "cross")
    odd = set(cross) ^ {spec.past for spec in wanted}
    if odd:
        name = min(odd)
        what = "came, which the model has not" if name in cross else "did not come: encode the source first"
        raise StateError(f"the model reads {len(wanted)} tensors of a source, {name!r} {what}")
    source = 0
    for spec in wanted:
        source = max(source, source_of(spec, cross[spec.past]))
    for spec in wanted:
        array = cross[spec.past]
        if array.shape != spec.sizes(batch, source=source) or array.dtype != spec.dtype:
            raise StateError(
                f"{spec.past!r} is {array.dtype} {array.shape}, wanted {show(spec, batch)} of {source} source tokens"
            )
    return cross


def source_of(spec: StateSpec, array: np.ndarray) -> int:
    """Tokens of the longest source; 0 for what does not depend on it."""
    grows = SOURCE in spec.shape and array.ndim == len(spec.shape)
    return int(array.shape[spec.shape.index(SOURCE)]) if grows else 0


def same_source(spec: StateSpec, parts: list[np.ndarray]) -> list[np.ndarray]:
    """Fill up the rows of shorter sources with zeros: the mask, which is such a tensor too, leaves them out."""
    if SOURCE not in spec.shape:
        return parts
    axis = spec.shape.index(SOURCE)
    longest = 0
    for part in parts:
        longest = max(longest, part.shape[axis])
    return [filled_up(part, axis, longest) for part in parts]


def filled_up(array: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Add zeros at the end of one axis until it has this size."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, size - array.shape[axis])
    return np.pad(array, widths)


def zeros(spec: StateSpec, batch: int, capacity: int) -> np.ndarray:
    """One tensor of a state that has read nothing.  Raises StateError where there is no memory for it."""
    try:
        return np.zeros(spec.sizes(batch, capacity), spec.dtype)  # untouched pages cost nothing
    except (MemoryError, OverflowError, ValueError) as error:  # numpy's words for sizes beyond all memory differ
        raise StateError(
            f"no memory for state {spec.past!r} of {show(spec, batch)} with room for {capacity} tokens: "
            "ask for fewer rows or tokens"
        ) from error


def row_numbers(rows: Iterable[int]) -> np.ndarray:
    """Numbers of rows as int64 [n].  Raises StateError for numbers that no row can have."""
    chosen = list(rows)
    try:
        return np.asarray(chosen, np.int64)
    except OverflowError as error:
        raise StateError(f"rows {chosen} came, wanted numbers of rows") from error


def with_room(spec: StateSpec, array: np.ndarray, tokens: int) -> np.ndarray:
    """Return a cache with room for more tokens; a recurrent state as it is."""
    if spec.kind != "cache" or array.shape[2] == tokens:
        return array
    wider = zeros(spec, len(array), tokens)
    wider[:, :, : array.shape[2]] = array
    return wider


def filled(spec: StateSpec, array: np.ndarray, tokens: int) -> np.ndarray:
    """The part of a tensor that says something: of a cache, the tokens that were read."""
    return array[:, :, :tokens] if spec.kind == "cache" else array


def check_saved(specs: Sequence[StateSpec], arrays: Arrays, batch: int, tokens: int, path: Path | str) -> None:
    """Check the tensors of a saved state.  Raises StateError where they are not those that a bundle declares."""
    if arrays.keys() != {spec.past for spec in specs}:
        raise StateError(f"{path}: has the tensors {', '.join(sorted(arrays))}, the bundle declares others")
    for spec in specs:
        array = arrays[spec.past]
        wanted = spec.sizes(batch, tokens, source_of(spec, array))
        if array.shape != wanted or array.dtype != spec.dtype:
            raise StateError(f"{path}: {spec.past!r} is {array.dtype} {array.shape}, wanted {show(spec, batch)}")


def show(spec: StateSpec, batch: int | str) -> str:
    """A shape for people, `B` for any batch."""
    sizes = [str(batch if dim == BATCH else dim) for dim in spec.shape]
    return f"({', '.join(sizes)}) {spec.dtype}"
