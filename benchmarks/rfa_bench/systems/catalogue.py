"""All systems, by name."""

from __future__ import annotations

from rfa_bench.subjects.concatenated import write_concatenated
from rfa_bench.subjects.softmax_for_genai import write_for_genai
from rfa_bench.systems.subject import RFA, SOFTMAX
from rfa_bench.systems.system import FLOAT16_BYTES, System
from rfa_runtime.bundle.interface import OUR_TARGET

READS_SLOWLY = 1024
"""Tokens that are read at most where each is read by itself."""

ALL = (
    System(
        "rfa",
        "our runtime on ONNX Runtime",
        RFA,
        "runtime",
        lambda subject: subject.bundle(RFA),
        on_gpu=True,
    ),
    System(
        "softmax",
        "the same runtime with GroupQueryAttention, its cache in one buffer",
        SOFTMAX,
        "runtime",
        lambda subject: subject.bundle(SOFTMAX),
        on_gpu=True,
    ),
    System(
        "concatenated",
        "the common ONNX export of softmax, which copies its cache",
        SOFTMAX,
        "concatenated",
        lambda subject: write_concatenated(subject.bundle(SOFTMAX)),
        reads_prompts=False,
    ),
    System(
        "llama.cpp",
        "llama.cpp with flash attention, its cache in float16",
        SOFTMAX,
        "llama_cpp",
        lambda subject: subject.gguf(),
        options=("flash",),
        needs=("llama_cpp", "gguf"),
        packages="llama-cpp-python and gguf",
        cache_bytes=FLOAT16_BYTES,
    ),
    System(
        "llama.cpp-plain",
        "llama.cpp without flash attention",
        SOFTMAX,
        "llama_cpp",
        lambda subject: subject.gguf(),
        options=("plain",),
        needs=("llama_cpp", "gguf"),
        packages="llama-cpp-python and gguf",
        cache_bytes=FLOAT16_BYTES,
    ),
    System(
        "softmax-genai",
        "softmax in onnxruntime-genai, its cache in one buffer",
        SOFTMAX,
        "genai",
        lambda subject: write_for_genai(subject.bundle(SOFTMAX), subject.shape(SOFTMAX)),
        needs=("onnxruntime_genai",),
        packages="onnxruntime-genai",
        many_rows=False,
    ),
    System(
        "torch-eager",
        "softmax in PyTorch, its cache grown by concatenation",
        SOFTMAX,
        "torch_eager",
        lambda subject: subject.checkpoint(SOFTMAX),
        precisions=("fp32",),
    ),
    System(
        "torch-compiled",
        "softmax in PyTorch, compiled, its cache in one buffer",
        SOFTMAX,
        "torch_compiled",
        lambda subject: subject.checkpoint(SOFTMAX),
        precisions=("fp32",),
    ),
    System(
        "rfa-torch",
        "RFA in PyTorch, in its one-token form",
        RFA,
        "torch_eager",
        lambda subject: subject.checkpoint(RFA),
        precisions=("fp32",),
    ),
    System(
        "rfa-torchscript",
        "RFA in torch.jit",
        RFA,
        "torchscript",
        lambda subject: subject.float32().bundle(RFA, (OUR_TARGET, "torchscript")),
        precisions=("fp32",),
        many_rows=False,
        reads_prompts=False,
        longest_read=READS_SLOWLY,
    ),
    System(
        "rfa-genai",
        "RFA in onnxruntime-genai",
        RFA,
        "genai",
        lambda subject: subject.bundle(RFA, (OUR_TARGET, "genai")),
        needs=("onnxruntime_genai",),
        packages="onnxruntime-genai",
        many_rows=False,
    ),
    System(
        "rfa-openvino",
        "RFA in OpenVINO",
        RFA,
        "openvino",
        lambda subject: subject.bundle(RFA, (OUR_TARGET, "plain")),
        needs=("openvino",),
        packages="openvino",
        many_rows=False,
        reads_prompts=False,
        longest_read=READS_SLOWLY,
    ),
)
SYSTEMS = {system.name: system for system in ALL}
