"""Run one graph of a bundle step by step.

Letters: B rows, T tokens, N vocabulary.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.interface import MODEL, THROUGHPUT
from rfa_runtime.bundle.manifest import kinds
from rfa_runtime.errors import StateError
from rfa_runtime.session.binding import Binding
from rfa_runtime.session.loaded import LoadedGraph, load_step_graph
from rfa_runtime.session.logits import check_finite, most_likely_token
from rfa_runtime.session.ort import run_error
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.state import State
from rfa_runtime.session.state_arrays import Arrays

MANY_TOKENS = 16
MANY_TEXTS = 10
"""Tokens, times the rows of the batch, and rows, from which a step takes the graph for many, where the bundle has one.

Measured at the GPT-2-small shape with int4 weights.
"""


class StepSession(OwnProcess):
    """A loaded graph.  It holds no sequence: many threads may use it at once, each with its own states.

    A bundle of 16 MB or more is moved to huge pages while it loads.  That sets options of glibc's malloc for the whole
    process and starts a thread, see huge_pages.py; `huge_pages=False` leaves both alone.
    """

    def __init__(
        self,
        bundle: Bundle | Path | str,
        threads: int | None = None,
        provider: str = "cpu",
        graph: str = MODEL,
        huge_pages: bool = True,
    ) -> None:
        """Load a graph of the bundle.

        threads: of one step; None takes as many as pay for one text: one for a small model, else all cores.  A batch
        of a small model may gain from more.  provider: `cpu` or `cuda`.

        Warns with ThreadsWarning where there are fewer cores than threads.
        """
        bundle = opened(bundle)
        self.bundle = bundle
        self.graph = bundle.graph(graph)
        self.vocab_size = bundle.manifest.vocab_size
        self.specs = bundle.manifest.state
        self.identity = bundle.sha256
        """What saved states belong to."""
        self.device = provider
        """Where it computes."""
        self._few = load_step_graph(bundle, graph, threads, provider, huge_pages)
        self._many: LoadedGraph | None = None
        """The graph for many rows, once it is needed."""
        self._opening = Lock()
        self._has_many = graph == MODEL and provider == "cpu" and THROUGHPUT in bundle.manifest.graphs
        self._threads = threads
        self._huge_pages = huge_pages
        self.has_cache = "cache" in kinds(self.specs)
        """Whether the state grows with the text."""
        self._bindings = WeakKeyDictionary[State, Binding]()
        """What is prepared for each state; it goes when the state goes."""

    def prepare(self, batch: int, count: int) -> None:
        """Load what steps of so many texts and tokens take, so that the first one does not wait for it."""
        self._graph_for(batch, count)

    def new_state(self, batch: int = 1, capacity: int | None = None, cross: Arrays | None = None) -> State:
        """Return the state of B sequences that have read nothing.

        capacity: tokens to make room for in a cache.  cross: what `Encoder.encode` gave, for a translator.
        """
        return State.zeros(self.specs, batch, capacity, self.device, cross, self.identity)

    def step(self, input_ids: np.ndarray, state: State) -> np.ndarray:
        """Read T tokens of every row and advance the state in place.

        input_ids: int [B, T].  Returns float32 logits [B, N] after the last token, or [B, T, N] from a graph for all
        positions.  They are a view on memory that the next step of the same state overwrites: copy what is to stay.
        After an error the state is of no use.
        """
        self._check_ids(input_ids, state)
        count = input_ids.shape[1]
        if self.has_cache and count > 1 and state.batch > 1 and state.longest:
            return self._step_one_by_one(input_ids, state)
        binding = self._bind(state, count)
        binding.write(input_ids, state)
        return self._advance(binding, state)

    def step_token(self, token: int, state: State) -> np.ndarray:
        """Read one token of a single row.  Returns logits [1, N], or [1, 1, N].  See TokenSteps, which a loop uses."""
        return self.on(state).step(token)

    def most_likely(self, state: State) -> int:
        """Return the most likely token after the last step of a single row.  See TokenSteps."""
        return self.on(state).most_likely()

    def on(self, state: State) -> TokenSteps:
        """Return the steps of one token on a state of a single row.  Raises StateError for more rows."""
        return TokenSteps(self, state)

    def _bind(self, state: State, count: int) -> Binding:
        """Return what steps of this many tokens on a state take.  It is prepared when the first comes."""
        self.check_process()
        if self.has_cache:
            state.reserve(state.longest + count)
        binding = self._bindings.get(state)
        if binding is None or not binding.fits(state, count):
            state.check(self.specs)
            self._check_device(state)
            loaded = self._graph_for(state.batch, count)
            binding = Binding(loaded, self.vocab_size, state, count)
            self._bindings[state] = binding
        return binding

    def _check_device(self, state: State) -> None:
        # A buffer elsewhere would be copied once, when it is bound: every step would then begin at the same past.
        if state.buffers and state.device != self.device:
            raise StateError(
                f"the state lies on {state.device}, the session computes on {self.device}: "
                "take one of the session's own, from new_state"
            )

    def _graph_for(self, batch: int, count: int) -> LoadedGraph:
        """Return the graph for steps of so many texts and tokens.

        Their numbers alone decide: the same step gives the same numbers, whatever was read before.
        """
        many = batch >= MANY_TEXTS or batch * count >= MANY_TOKENS
        if not (many and self._has_many):
            return self._few
        with self._opening:
            if self._many is None:
                self._many = load_step_graph(self.bundle, THROUGHPUT, self._threads, self.device, self._huge_pages)
            return self._many

    def _run(self, binding: Binding) -> None:
        binding.graph.session.run_with_iobinding(binding.io)

    def _advance(self, binding: Binding, state: State) -> np.ndarray:
        """Run the graph, its inputs written.  Returns the logits."""
        try:
            self._run(binding)
        except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
            raise run_error(binding.graph.spec.file, error) from error
        state.longest += binding.count
        state.given_logits = binding.logits
        return binding.logits

    def _step_one_by_one(self, input_ids: np.ndarray, state: State) -> np.ndarray:
        # GroupQueryAttention reads several tokens over a past in one call for a single row only.
        logits = [self.step(column[:, None], state).copy() for column in input_ids.T]
        return logits[-1] if self.graph.logits == "last" else np.concatenate(logits, axis=1)

    def _check_ids(self, input_ids: np.ndarray, state: State) -> None:
        if input_ids.ndim != 2 or input_ids.shape[0] != state.batch or not input_ids.size:
            raise StateError(
                f"input_ids have shape {input_ids.shape}, wanted ({state.batch}, T) as the state has {state.batch} rows"
            )
        # Seen as unsigned, a negative id is large: one comparison instead of two.
        if input_ids.dtype != np.int64 or input_ids.view(np.uint64).max() >= self.vocab_size:
            raise StateError(
                f"input_ids are {input_ids.dtype} from {input_ids.min()} to {input_ids.max()}, "
                f"wanted int64 from 0 to {self.vocab_size - 1}"
            )


class TokenSteps:
    """Steps of one token on a state of a single row: what a decoding loop takes.

    A large graph leaves the processor's caches cold, and whatever code then runs is fetched from memory first: numpy's
    checks and copies cost some 100 us after a step of 30 ms.  Here a token is an int from end to end, and what is
    prepared for the state is at hand.  Between two calls nobody else may step the state.
    """

    def __init__(self, session: StepSession, state: State) -> None:
        if state.batch != 1:
            raise StateError(f"the state has {state.batch} rows, wanted one")
        self._session = session
        self._state = state
        self._grows = session.has_cache
        self._vocab_size = session.vocab_size
        self._binding = session._bindings.get(state)

    def step(self, token: int) -> np.ndarray:
        """Read a token and advance the state in place.  Returns logits [1, N], or [1, 1, N], as `StepSession.step`."""
        if not 0 <= token < self._vocab_size:
            raise StateError(f"token {token} came, wanted 0 to {self._vocab_size - 1}")
        state = self._state
        binding = self._binding
        if binding is None or self._grows or binding.count != 1 or binding.moves != state.moves:
            binding = self._session._bind(state, 1)
            self._binding = binding
        binding.write_token(token, state)
        return self._session._advance(binding, state)

    def most_likely(self) -> int:
        """Return the most likely token after the last step: the graph's own choice where it gives one.

        Raises LogitsError where the logits are not finite, StateError where there was no step.
        """
        binding = self._binding
        if binding is None:
            raise StateError("the state has read nothing, wanted a step before")
        if binding.top is None:
            return most_likely_token(binding.logits.reshape(-1, self._vocab_size)[-1])
        token, logit = binding.top
        if not isfinite(logit[-1]):
            check_finite(logit[-1])
        return int(token[-1])
