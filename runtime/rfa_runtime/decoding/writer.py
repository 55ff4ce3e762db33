"""What a bundle brings for texts: its tokens, its own way of choosing them, and the forms that texts can have."""

from __future__ import annotations

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import LANGUAGE_MODEL
from rfa_runtime.decoding.continuation import Continuation, Request, Settings, request_of
from rfa_runtime.decoding.grammar import Grammars
from rfa_runtime.decoding.prompt import Prompt, check_task, encode_more, encode_prompt, load_tokenizer
from rfa_runtime.decoding.sampling_config import SamplingConfig


class Writer:
    """Makes texts of a bundle: none of them is known to it afterwards."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError for another task, or a tokenizer that cannot be read."""
        check_task(bundle, LANGUAGE_MODEL)
        self.bundle = bundle
        self.sampling = SamplingConfig.from_table(bundle.manifest.sampling)
        self.tokenizer = load_tokenizer(bundle)
        self._grammars = Grammars(self.tokenizer, bundle.manifest)

    def request(self, given: Request | SamplingConfig | None, settings: Settings) -> Request:
        """What a call asks for, the bundle's own way filled in.  Raises OptionError."""
        return request_of(given, self.sampling, settings)

    def encode(self, prompt: Prompt, after: bool = False) -> list[int]:
        """The tokens that are read before the first one is chosen.  Raises PromptError.

        after: it goes on with a text that was begun; then there may be none.
        """
        if after:
            return encode_more(prompt, self.tokenizer, self.bundle)
        return encode_prompt(prompt, self.tokenizer, self.bundle)

    def text(self, request: Request, ids: list[int], row: int = 0) -> Continuation:
        """Begin a text after a prompt.  row: gives it random numbers of its own.  Raises OptionError."""
        matcher = None if request.grammar is None else self._grammars.matcher(request.grammar)
        return Continuation(request, self.bundle.manifest, self.tokenizer, ids, row, matcher)
