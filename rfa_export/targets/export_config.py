"""What an export is asked for besides the model.  Light: it imports neither torch nor onnx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rfa_export.errors import TargetError
from rfa_export.graph.lowering.opsets import FIRST_WITH_BLOCKS, NEWEST, OLDEST
from rfa_export.precision import FLOAT32_STATE, INT4_WEIGHTS, INT8_WEIGHTS, Precision, precision_of
from rfa_export.targets.catalogue import PLAIN, TARGETS
from rfa_runtime.bundle.interface import OUR_TARGET

STATES = ("fp32", "fp16")
VERIFY = ("all", "ours")
THROUGHPUT_SUFFIX = "-throughput"
"""Ends the label of weights that have a graph for throughput, too."""


@dataclass(frozen=True)
class ExportConfig:
    """Raises TargetError for what cannot be had, before anything is loaded or traced."""

    targets: tuple[str, ...] = (OUR_TARGET,)
    """Names of what to write for, all with the same weights; see `targets/catalogue.py`."""
    precision: str = "fp32"
    """Of the weights; see `precision.py`."""
    block_size: int | None = None
    """The most weights that share a scale, where they are whole numbers."""
    state: str = "fp32"
    """Of the state between two steps: fp32, or fp16 where the model has a gate that forgets in time."""
    throughput: bool = False
    """Whether steps of many tokens or rows get a graph of their own, which multiplies plain 8-bit numbers:
    prompts are read about twice as fast, for as many bytes more as there are weights."""
    opset: int | None = None
    """Of target `plain`; by default the oldest that it can have."""
    text: str | None = None
    """To report the perplexity on, of the bundle and of torch."""
    activations: str | None = None
    """What products by whole numbers round before they multiply: int8, the usual, or fp32; see `precision.py`."""
    drift: int = 0
    """Tokens to decode and compare with float64 on the way; 0 for none."""
    verify: str = "all"
    """Which runtimes are asked what they compute: all that are installed, or ours alone, which takes less time."""

    def __post_init__(self) -> None:
        for name in self.targets:
            check_name(name)
        weights = self.weights
        for name in self.targets:
            check_precision(name, weights)
            check_company(name, self.targets)
        if self.opset is not None:
            self.check_opset(self.opset)
        if self.verify not in VERIFY:
            raise TargetError(f"verify {self.verify!r} came, wanted {' or '.join(VERIFY)}")
        self.check_state()
        self.check_throughput()
        self.check_measurements()

    @property
    def half_state(self) -> bool:
        """Whether a state lies in float16 between two steps."""
        return self.state == "fp16"

    @property
    def weights(self) -> Precision:
        """The precision by its name, with what the targets want of it."""
        found = precision_of(self.precision, self.block_size, self.activations)
        return replace(found, even_blocks=any(TARGETS[name].even_blocks for name in self.targets))

    @property
    def label(self) -> str:
        """What measurements call the weights: `int4`, `int4-64`, `int4-throughput`."""
        return self.weights.label + (THROUGHPUT_SUFFIX if self.throughput else "")

    @property
    def oldest_opset(self) -> int:
        """The oldest opset in which target `plain` can hold these weights."""
        return FIRST_WITH_BLOCKS if self.weights.quantized else OLDEST

    def check_opset(self, opset: int) -> None:
        """Only target `plain` has a choice of opset, and not of every one."""
        if PLAIN.name not in self.targets:
            raise TargetError(
                f"opset {opset} came, but only target {PLAIN.name} has a choice of it: add it to the targets"
            )
        if not self.oldest_opset <= opset <= NEWEST:
            raise TargetError(
                f"opset {opset} came, {self.precision} weights in ordinary operators need "
                f"{self.oldest_opset} to {NEWEST}"
            )

    def check_state(self) -> None:
        """A float16 state is verified in our own runtime, and every target must be able to hold it."""
        if self.state not in STATES:
            raise TargetError(f"state {self.state!r} came, wanted {' or '.join(STATES)}")
        if not self.half_state:
            return
        for name in self.targets:
            if not TARGETS[name].halves_states:
                raise TargetError(f"target {name} has only float32 states: leave it out, or keep ", FLOAT32_STATE)
        if OUR_TARGET not in self.targets:
            raise TargetError(f"a float16 state is tried out with target {OUR_TARGET}: add it to the targets")

    def check_throughput(self) -> None:
        """Only whole numbers have such products, and only our own runtime takes that graph."""
        if not self.throughput:
            return
        if not self.weights.quantized:
            raise TargetError(
                f"a graph for throughput came with {self.precision} weights, it multiplies whole numbers: choose ",
                INT8_WEIGHTS,
                " or ",
                INT4_WEIGHTS,
            )
        if not self.weights.rounds_activations:
            raise TargetError("a graph for throughput multiplies 8-bit numbers: leave it out, or leave activations out")
        if OUR_TARGET not in self.targets:
            raise TargetError(f"a graph for throughput is part of target {OUR_TARGET}: add it to the targets")

    def check_measurements(self) -> None:
        """Perplexity and drift are measured in our own runtime."""
        if self.drift < 0:
            raise TargetError(f"drift over {self.drift} tokens came, wanted a number above zero")
        measures = self.text is not None or self.drift > 0
        if measures and OUR_TARGET not in self.targets:
            raise TargetError(f"perplexity and drift are measured with target {OUR_TARGET}: add it to the targets")


def names_in(targets: str) -> tuple[str, ...]:
    """The names of targets between commas, as commands take them, each behind the one that it is made of."""
    names: list[str] = []
    for name in map(str.strip, targets.split(",")):
        facts = TARGETS.get(name)
        if facts is not None and facts.made_of is not None:
            names.append(facts.made_of)
        names.append(name)
    return tuple(dict.fromkeys(names))


def check_name(name: str) -> None:
    """Raise TargetError for a target that nobody has."""
    if name not in TARGETS:
        raise TargetError(f"target {name!r} came, wanted one or more of {', '.join(TARGETS)}, with commas")


def check_company(name: str, targets: Sequence[str]) -> None:
    """Raise TargetError for a target that is made of another one, which is not there."""
    needed = TARGETS[name].made_of
    if needed is not None and needed not in targets:
        raise TargetError(f"target {name} is made of the graphs of target {needed}: add that to the targets")


def check_precision(name: str, precision: Precision) -> None:
    """Raise TargetError for weights that no runtime of this target reads."""
    readable = TARGETS[name].precisions
    if precision.name not in readable:
        others = [facts.name for facts in TARGETS.values() if precision.name in facts.precisions]
        raise TargetError(
            f"target {name} cannot have {precision.name} weights, wanted {' or '.join(readable)}; "
            f"with {precision.name} there are the targets {', '.join(others)}"
        )
