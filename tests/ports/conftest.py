"""The runtimes outside Python, where `make cpp` and `make web` have built them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ports import Cpp, Port, Web
from probes import Probe
from traced_once import tracing_once

import rfa_export
from rfa_export.targets.export_config import ExportConfig

ROOT = Path(__file__).parents[2]
STORIES = ROOT / "models" / "pretrained" / "stories.pt"
EXACT = {
    "fp32": ExportConfig(),
    "int4": ExportConfig(precision="int4", activations="fp32"),
}
"""Exports whose tokens do not depend on the processor: what is multiplied with weights is not rounded."""
CPP = ROOT / "build" / "cpp"
ARM = ROOT / "build" / "cpp-aarch64"
SANITIZED = ROOT / "build" / "cpp-sanitized" / "rfa-probe"
WEB = ROOT / "runtime" / "web"

ARM_PROCESSOR = """\
processor	: 0
BogoMIPS	: 108.00
Features	: fp asimd evtstrm crc32 cpuid asimddp
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x3
CPU part	: 0xd08
CPU revision	: 3
"""
"""As a Raspberry Pi 4 has it."""


def built(program: Path, how: str = "make cpp") -> Path:
    """A program of ours; without it the test is skipped."""
    if not program.exists():
        pytest.skip(f"{program.relative_to(ROOT)} is not built: {how}")
    return program


def web_probe() -> list[str]:
    """The command of the browser package's probe; without Node and the packages the test is skipped."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node")
    if not (WEB / "node_modules").exists():
        pytest.skip("runtime/web/node_modules is missing: make web")
    return [node, str(WEB / "tests" / "probe.mjs")]


COMMANDS: dict[str, Callable[[], list[str]]] = {
    "cpp": lambda: [str(built(CPP / "rfa-probe"))],
    "web": web_probe,
}
SAFE_COMMANDS = COMMANDS | {"cpp": lambda: [str(built(SANITIZED))]}


@pytest.fixture(autouse=True, scope="session")
def one_trace() -> Iterator[None]:
    with tracing_once():
        yield


@pytest.fixture(params=COMMANDS)
def probe(request: pytest.FixtureRequest) -> Iterator[Probe]:
    """A probe of each runtime."""
    found = Probe(COMMANDS[request.param]())
    yield found
    found.end()


@pytest.fixture(params=SAFE_COMMANDS)
def sanitized(request: pytest.FixtureRequest) -> Iterator[Probe]:
    """A probe of each runtime; that of C++ stops at errors of memory and undefined behaviour."""
    found = Probe(SAFE_COMMANDS[request.param]())
    yield found
    found.end()


@pytest.fixture(scope="session")
def arm_system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a program for ARM finds at / under an emulator: its libraries, and a processor that it may ask about."""
    system = tmp_path_factory.mktemp("aarch64")
    (system / "lib").symlink_to("/usr/aarch64-linux-gnu/lib")
    (system / "proc").mkdir()
    (system / "proc" / "cpuinfo").write_text(ARM_PROCESSOR)
    return system


def on_arm(program: Path, system: Path) -> Cpp:
    """The C++ runtime for ARM, under an emulator."""
    emulator = shutil.which("qemu-aarch64")
    if emulator is None:
        pytest.skip("there is no qemu-aarch64")
    return Cpp(emulator, "-L", system, program)


@pytest.fixture(params=["cpp", "aarch64", "web"])
def port(request: pytest.FixtureRequest, arm_system: Path) -> Iterator[Port]:
    """Each runtime, to write with."""
    if request.param == "cpp":
        yield Cpp(built(CPP / "rfa-run-cpp"))
    elif request.param == "aarch64":
        yield on_arm(built(ARM / "rfa-run-cpp", "make cpp-aarch64"), arm_system)
    else:
        found = Probe(web_probe())
        yield Web(found)
        found.end()


@pytest.fixture(scope="session", params=EXACT)
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storyteller in each form that is exact."""
    bundle = tmp_path_factory.mktemp("stories") / f"{request.param}.rfa"
    rfa_export.export_file(STORIES, bundle, config=EXACT[request.param])
    return bundle


@pytest.fixture(scope="session")
def run_cpp() -> Path:
    """The command."""
    return built(CPP / "rfa-run-cpp")
