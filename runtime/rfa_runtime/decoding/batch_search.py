"""Steps the hypotheses of many sources in one batch, until all have ended.

Letters: B sources that are still looked for, W hypotheses of each, C candidates of a hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rfa_runtime.decoding.beam import Beams
from rfa_runtime.decoding.candidates import candidates
from rfa_runtime.session.padding import at
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

Found = tuple[np.ndarray, np.ndarray]
"""Tokens and log probabilities, [B * W, C]."""


def search_all(
    session: StepSession, state: State, start: int, beams: list[Beams], width: int, tick: Callable[[], None]
) -> Iterator[tuple[int, int]]:
    """Search for all sources.  Yields the place of each in the list as it is done, with the bytes kept for it.

    state: of B rows that have read nothing yet; it is used up.  start: the token that every hypothesis begins with.
    width: W.  tick: called when each token is there.
    """
    logits = session.step(np.full((len(beams), 1), start), state)
    tokens, scores = candidates(logits, 2 * width)
    found = (np.repeat(tokens, width, axis=0), np.repeat(scores, width, axis=0))  # one step does for all W
    if width > 1:
        state = state.select(np.repeat(np.arange(len(beams)), width))
    going = list(range(len(beams)))
    while True:
        rows, chosen = advance(at(beams, going), found, width)
        tick()
        kept = []
        for index, place in enumerate(going):
            if beams[place].done:
                yield place, state.nbytes // len(going)
            else:
                kept.append(index)
        if not kept:
            return
        if len(kept) < len(going):  # sources that are done leave the batch
            going = at(going, kept)
            staying = members(kept, width)
            state = state.select(rows[staying])
            chosen = chosen[staying]
        else:
            state.reorder(rows)
        found = candidates(session.step(chosen[:, None], state), 2 * width)


def advance(beams: list[Beams], found: Found, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Take a step with every source.  Returns the row that each row continues and its new token, int64 [B * W]."""
    tokens = found[0].reshape(len(beams), width, -1)
    scores = found[1].reshape(len(beams), width, -1)
    rows = []
    chosen = []
    for place, beam in enumerate(beams):
        parents, new = beam.advance(tokens[place], scores[place])
        rows.append(np.array(parents) + place * width)
        chosen.append(np.array(new))
    return np.concatenate(rows), np.concatenate(chosen)


def members(places: list[int], width: int) -> np.ndarray:
    """The rows of some sources."""
    return (np.array(places)[:, None] * width + np.arange(width)).reshape(-1)
