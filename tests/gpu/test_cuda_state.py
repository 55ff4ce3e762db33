"""States on CUDA stay there, can do all that states can, and go forward by one token a step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from state_acts import ACTS, PROMPT, same

from rfa_bench.gpu.captured import captured_steps, compared, read, runtime_steps
from rfa_export import tolerances
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import StateError
from rfa_runtime.session.step import StepSession

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]


@pytest.fixture
def sessions(language: Callable[..., Bundle]) -> tuple[StepSession, StepSession]:
    """On the processor, and on CUDA."""
    bundle = language(precision="fp32")
    return StepSession(bundle), StepSession(bundle, provider="cuda")


@pytest.mark.parametrize("name", ACTS)
def test_a_state_on_cuda_is_worth_the_same(name: str, sessions: tuple[StepSession, StepSession]) -> None:
    assert same(ACTS[name], sessions)


def test_a_state_stays_on_the_device(sessions: tuple[StepSession, StepSession]) -> None:
    session = sessions[1]
    state = session.new_state(len(PROMPT))
    addresses = [buffer.value.data_ptr() for buffer in state.buffers.values()]
    session.step(PROMPT, state)
    session.step(PROMPT[:, :1], state)
    for buffer, address in zip(state.buffers.values(), addresses, strict=True):
        assert buffer.value.device_name() == "cuda"
        assert buffer.value.data_ptr() == address


def test_no_input_is_copied_when_it_is_bound(sessions: tuple[StepSession, StepSession]) -> None:
    """What lies elsewhere than where the graph reads it is copied once, and a later step would not see it change."""
    session = sessions[1]
    state = session.new_state()
    session.step(PROMPT[:1], state)
    inputs = session._few.session.get_inputs()
    places = session._few.session.get_input_memory_infos()
    bound = session._bindings[state]._inputs | state.buffers
    for value, place in zip(inputs, places, strict=True):
        assert place.name.lower() == bound[value.name].value.device_name(), value.name


def test_a_state_of_the_processor_is_refused(sessions: tuple[StepSession, StepSession]) -> None:
    near, far = sessions
    with pytest.raises(StateError, match="lies on cpu, the session computes on cuda"):
        far.step(PROMPT, near.new_state(len(PROMPT)))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int4"])
def test_a_captured_step_gives_what_a_plain_one_gives(precision: str, language: Callable[..., Bundle]) -> None:
    """The runtime has no option for CUDA graphs as long as this was not seen to pass."""
    bundle = language(precision=precision)
    text = np.random.default_rng(0).integers(0, bundle.manifest.vocab_size, 256).tolist()
    wanted, _ = read(runtime_steps(bundle, "cuda"), text)
    found, _ = read(captured_steps(bundle, "cuda", forget=True), text)
    differences = compared(found, wanted)
    largest = max(abs(logit) for _, logit in wanted)
    assert differences["tokens_equal"] == len(text)
    assert differences["logit_difference"] <= tolerances.LOGITS_FLOAT32 * largest
