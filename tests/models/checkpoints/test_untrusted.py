"""Archives that torch did not write, and tensors that are not what they claim."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rfa_models.checkpoints.archive import check_archive
from rfa_models.checkpoints.untrusted import check_tensors, read_tables
from rfa_models.errors import CheckpointError

TABLE = {"format": "test", "weight": torch.arange(1000.0)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.save(TABLE, tmp_path / "model.pt")
    return tmp_path / "model.pt"


@pytest.fixture
def packed(path: Path) -> Callable[..., Path]:
    """Write the archive again as another program would, its entries given to a function first."""

    def write(method: int = zipfile.ZIP_STORED, twice: bool = False) -> Path:
        with zipfile.ZipFile(path) as source:
            entries = [(name, source.read(name)) for name in source.namelist()]
        with zipfile.ZipFile(path, "w", method) as target, warnings.catch_warnings(action="ignore"):
            for name, content in entries * (2 if twice else 1):
                target.writestr(name, content)
        return path

    return write


def refused(path: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        read_tables(path, "test")
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_what_torch_saved_is_read(path: Path) -> None:
    assert torch.equal(read_tables(path, "test")["weight"], TABLE["weight"])


def test_an_archive_that_another_program_stored_is_read(packed: Callable[..., Path]) -> None:
    assert torch.equal(read_tables(packed(), "test")["weight"], TABLE["weight"])


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_archive_is_refused(packed: Callable[..., Path], method: int) -> None:
    refused(packed(method), "a compressed archive")


def test_an_entry_that_says_it_is_stored_but_is_smaller_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02") + 24  # the last entry's size in the directory
    content[place : place + 4] = struct.pack("<I", 10**9)
    path.write_bytes(content)
    refused(path, "a compressed archive")


def test_entries_of_one_name_are_refused(packed: Callable[..., Path]) -> None:
    refused(packed(twice=True), "entries overlap")


def test_entries_that_share_their_bytes_are_refused(path: Path) -> None:
    """The bomb that needs no compression: every entry of the directory points at the same content."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content", bytes(100_000))
        entry = archive.infolist()[0]
        for number in range(1000):
            copy = zipfile.ZipInfo(f"copy{number}")
            copy.file_size, copy.compress_size = entry.file_size, entry.compress_size
            copy.CRC, copy.header_offset = entry.CRC, entry.header_offset
            archive.filelist.append(copy)
    refused(path, "entries overlap")


def test_a_single_wrong_bit_in_a_tensor_is_noticed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(TABLE["weight"].numpy().tobytes()) + 100] ^= 1
    path.write_bytes(content)
    refused(path, r"damaged .*CRC")


def test_torch_does_not_wonder_aloud_at_a_pickle_of_another_protocol(path: Path) -> None:
    with zipfile.ZipFile(path) as source:
        entries = [(name, source.read(name)) for name in source.namelist()]
    with zipfile.ZipFile(path, "w") as target:
        for name, content in entries:
            target.writestr(name, content.replace(b"\x80\x02", b"\x80\x7d", 1))
    with warnings.catch_warnings(record=True, action="always") as said:
        read_tables(path, "test")
    assert said == []


def test_an_archive_of_several_disks_is_refused(path: Path) -> None:
    """Python's is_zipfile raises for one."""
    path.write_bytes(b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 2) + b"PK\x05\x06" + bytes(18))
    refused(path, "no checkpoint at all")
    with pytest.raises(CheckpointError, match="no checkpoint at all"):
        check_archive(path)


def test_the_old_format_of_torch_is_refused(path: Path) -> None:
    torch.save(TABLE, path, _use_new_zipfile_serialization=False)
    refused(path, "no checkpoint at all")


def test_a_second_archive_in_front_is_not_what_torch_reads(path: Path) -> None:
    """Two readers may find two archives in one file: torch is given what was checked."""
    other = io.BytesIO()
    torch.save(TABLE | {"weight": torch.zeros(3)}, other)
    path.write_bytes(other.getvalue() + path.read_bytes())
    assert torch.equal(read_tables(path, "test")["weight"], TABLE["weight"])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(10, device="meta"),
        torch.eye(3).to_sparse(),
        torch.zeros(10).to(torch.float8_e5m2),
    ],
    ids=["meta", "sparse", "float8"],
)
def test_tensors_that_are_not_plain_memory_are_named(path: Path, tensor: torch.Tensor) -> None:
    with pytest.raises(CheckpointError, match=r"tensor 'weight' .* is not plain memory, wanted a dense"):
        check_tensors({"weight": tensor}, path)


def test_tensors_that_share_one_memory_may_not_claim_more_than_the_file_holds(path: Path) -> None:
    weight = torch.zeros(1000)
    check_tensors({"a": weight, "b": weight}, path)
    with pytest.raises(CheckpointError, match="claim more numbers than the file holds"):
        check_tensors({f"w{number}": weight for number in range(100)}, path)


def test_numbers_that_float32_cannot_hold_are_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match="'weight' holds values that are not finite"):
        check_tensors({"weight": torch.full((3,), 1e300, dtype=torch.float64)}, path)


def test_the_name_of_a_tensor_cannot_flood_the_message(path: Path) -> None:
    with pytest.raises(CheckpointError) as error:
        check_tensors({"x\n" * 10**6: 3}, path)
    assert len(str(error.value)) < len(str(path)) + 200
