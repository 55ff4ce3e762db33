"""What a measurement was taken on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "onnx", "onnxruntime", "numpy", "tokenizers", "rfa-export", "rfa-runtime")
OTHER_NAMES = {"onnxruntime": "onnxruntime-gpu"}
"""Packages that bring the same modules."""
CPU_INFO = Path("/proc/cpuinfo")
"""Where Linux describes its processors, a line `name : value` for each fact."""
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
"""Where Linux describes the caches of a processor, a folder for each, its size in a file such as `307200K`."""
MEMORY_INFO = Path("/proc/meminfo")
"""Where Linux says how much memory there is, a line `name: count kB` for each fact."""


def machine() -> dict[str, str | int]:
    """Processor, cores and system."""
    return {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Versions of the packages that matter to the figures."""
    found = {}
    for package in PACKAGES:
        found[package] = version_of(package) or version_of(OTHER_NAMES.get(package, "")) or "not installed"
    return found


def version_of(package: str) -> str | None:
    """The version of a package that is installed."""
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):  # ValueError: the name is empty
        return None


def ask_driver(fields: str) -> list[str]:
    """What NVIDIA's driver says of each GPU, a line each; nothing where there is none.

    fields: as nvidia-smi names them, with commas.
    """
    command = ("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name, and whether it has the wide units that decide the speed of products of matrices."""
    if not CPU_INFO.exists():
        return platform.processor() or platform.machine()
    facts: dict[str, str] = {}
    for line in CPU_INFO.read_text().splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    name = facts.get("model name", platform.machine())
    return f"{name} (AVX-512)" if "avx512f" in facts.get("flags", "") else name


def largest_cache_bytes() -> int:
    """Bytes of the largest cache that the system reports; 0 where it reports none.

    A virtual machine may report one that it shares with others on the same processor.
    """
    sizes = [0]
    for file in CACHES.glob("index*/size"):
        sizes.append(int(file.read_text(encoding="ascii").strip().removesuffix("K")) * 1024)
    return max(sizes)


def available_bytes() -> int:
    """Bytes of memory that programs can still have; all that there is where the system does not say."""
    if MEMORY_INFO.exists():
        for line in MEMORY_INFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
