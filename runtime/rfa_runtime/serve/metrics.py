"""Figures for Prometheus, by the names that vLLM gave them, with a prefix of ours."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LABEL = "model_name"
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0)
NEXT_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
WHOLE = (0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 600.0)
"""Seconds: the ends of buckets."""


class Metrics:
    """What a server counts and times."""

    def __init__(self, model: str) -> None:
        """model: its name, the label of all figures."""
        self._model = model
        self._registry = CollectorRegistry()
        self._running = self._gauge("num_requests_running", "Texts that are written, or whose prompts are read.")
        self._waiting = self._gauge("num_requests_waiting", "Texts that wait for a place.")
        self._state_bytes = self._gauge("state_bytes", "What texts that are written keep.")
        self._sessions = self._gauge("sessions", "Conversations that go on.")
        self._session_memory = self._gauge("session_memory_bytes", "What they keep in memory.")
        self._session_disk = self._gauge("session_disk_bytes", "What they keep on the disk.")
        self._prompt_tokens = self._counter("prompt_tokens", "Tokens of prompts.")
        self._new_tokens = self._counter("generation_tokens", "Tokens that were written.")
        self._queries = self._counter("prefix_cache_queries", "Tokens that the prefix cache was asked for.")
        self._hits = self._counter("prefix_cache_hits", "Of these, tokens that were not read again.")
        self._texts = Counter(
            "rfa:request_success", "Texts by how they ended.", [LABEL, "finished_reason"], registry=self._registry
        )
        self._replies = Counter(
            "rfa:http_requests", "Requests by route and status.", [LABEL, "route", "status"], registry=self._registry
        )
        self._first = self._histogram("time_to_first_token_seconds", "Until the first token.", FIRST_TOKEN)
        self._next = self._histogram("inter_token_latency_seconds", "From one token to the next.", NEXT_TOKEN)
        self._whole = self._histogram("e2e_request_latency_seconds", "Until the last token.", WHOLE)

    def note_first(self, seconds: float) -> None:
        """The first token of a text came after so long."""
        self._first.observe(seconds)

    def note_next(self, seconds: float) -> None:
        """Another token came so long after the one before."""
        self._next.observe(seconds)

    def note_text(self, reason: str, seconds: float, prompt_tokens: int, cached_tokens: int, new_tokens: int) -> None:
        """A text is over."""
        self._texts.labels(self._model, reason).inc()
        self._whole.observe(seconds)
        self._prompt_tokens.inc(prompt_tokens)
        self._new_tokens.inc(new_tokens)
        self._queries.inc(prompt_tokens)
        self._hits.inc(cached_tokens)

    def note_reply(self, route: str, status: int) -> None:
        """A request got its answer."""
        self._replies.labels(self._model, route, str(status)).inc()

    def note_sessions(self, count: int, memory_bytes: int, disk_bytes: int) -> None:
        """So many conversations go on now, and keep so much."""
        self._sessions.set(count)
        self._session_memory.set(memory_bytes)
        self._session_disk.set(disk_bytes)

    def page(self, waiting: int, running: int, state_bytes: int) -> bytes:
        """All figures in Prometheus' text format."""
        self._waiting.set(waiting)
        self._running.set(running)
        self._state_bytes.set(state_bytes)
        return generate_latest(self._registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(f"rfa:{name}", words, [LABEL], registry=self._registry).labels(self._model)

    def _counter(self, name: str, words: str) -> Counter:
        return Counter(f"rfa:{name}", words, [LABEL], registry=self._registry).labels(self._model)

    def _histogram(self, name: str, words: str, ends: tuple[float, ...]) -> Histogram:
        return Histogram(f"rfa:{name}", words, [LABEL], registry=self._registry, buckets=ends).labels(self._model)
