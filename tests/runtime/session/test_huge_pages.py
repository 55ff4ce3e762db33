"""Memory that is moved to huge pages keeps its contents; what was there before is left alone."""

from __future__ import annotations

import ctypes
import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from rfa_runtime.session.huge_pages import HUGE, MAPS, aligned, collapse, new_regions, private_memory, without

ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ((0, 10), [(10, 50)]),
        ((60, 70), [(10, 50)]),
        ((0, 20), [(20, 50)]),
        ((40, 60), [(10, 40)]),
        ((20, 30), [(10, 20), (30, 50)]),
        ((10, 50), []),
        ((0, 99), []),
    ],
)
def test_what_is_left_of_a_region(other: tuple[int, int], left: list[tuple[int, int]]) -> None:
    assert without((10, 50), other) == left


def test_only_new_memory_counts_in_whole_huge_pages() -> None:
    before = [(0, HUGE), (3 * HUGE, 4 * HUGE), (10 * HUGE, 11 * HUGE)]
    after = [(0, HUGE), (2 * HUGE + 1, 7 * HUGE - 1), (8 * HUGE + 1, 9 * HUGE)]
    assert new_regions(before, after) == [(4 * HUGE, 6 * HUGE)]
    assert aligned((1, HUGE - 1)) == (HUGE, 0), "holds none"


@pytest.mark.skipif(not MAPS.exists(), reason="not Linux")
def test_memory_is_found_and_keeps_its_contents() -> None:
    before = private_memory()
    memory = mmap.mmap(-1, 16 * HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(bytes(range(256)) * (16 * HUGE // 256))
    start = ctypes.addressof(view := ctypes.c_char.from_buffer(memory))
    found = new_regions(before, private_memory())
    assert any(first <= start + HUGE and start + 15 * HUGE <= last for first, last in found)
    collapse([*found, (1 << 46, (1 << 46) + HUGE)])
    assert memory[:] == bytes(range(256)) * (16 * HUGE // 256)
    if ENABLED.exists() and "[never]" not in ENABLED.read_text():
        assert huge_bytes() >= 8 * HUGE
    del view


LOADER = """
import ctypes
from rfa_runtime.session.huge_pages import new_regions, on_huge_pages, private_memory
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before = private_memory()
with on_huge_pages():
    for size in range(1_200_000, 1_600_000, 8_000):  # what a weight is packed from, and the weight
        source = library.malloc(size - 100_000)
        library.malloc(size)
        library.free(source)
print(sum(end - start for start, end in new_regions(before, private_memory())))
"""


@pytest.mark.skipif(
    not MAPS.exists() or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="not Linux with glibc"
)
def test_blocks_smaller_than_a_huge_page_lie_side_by_side() -> None:
    found = subprocess.run([sys.executable, "-c", LOADER], check=True, capture_output=True, text=True).stdout
    assert int(found) > 60_000_000, "of 70 MB; little where each block has a mapping of its own"


def huge_bytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("AnonHugePages"))
