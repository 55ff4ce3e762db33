"""Random matrices: those of the checkpoint, or the first H of a file, and nothing that is not such a file."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from rfa_models.convert.matrices import Matrices, choose_matrices, read_matrices, stored_matrices
from rfa_models.convert.release import Release, ReleaseSettings
from rfa_models.errors import CheckpointError

POOL = np.random.default_rng(1).standard_normal((6, 5, 4))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "4_5.npy"


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
def test_the_first_matrices_are_read_as_the_authors_read_them(file: Path, dtype: str) -> None:
    pool = POOL.astype(dtype)
    np.save(file, pool)
    found = read_matrices(file, heads=3, head_dim=4)
    assert found.pool_size == 6
    assert torch.equal(found.first, torch.tensor(pool[:3].astype(np.float64), dtype=torch.float16).float())


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
def test_the_first_matrices_are_read_exactly_where_that_is_asked_for(file: Path, dtype: str) -> None:
    pool = POOL.astype(dtype)
    np.save(file, pool)
    found = read_matrices(file, heads=3, head_dim=4, exact=True)
    assert torch.equal(found.first, torch.tensor(pool[:3].astype(np.float32)))


def test_an_array_in_columns_is_read_as_well(file: Path) -> None:
    np.save(file, np.asfortranarray(POOL))
    assert torch.equal(read_matrices(file, 3, 4, exact=True).first, torch.tensor(POOL[:3]).float())


@pytest.mark.parametrize(
    ("array", "settings", "message"),
    [
        (POOL[:2], (3, 4), r"shape \(2, 5, 4\), the model wants \[3 or more, D, 4\]"),
        (POOL, (3, 8), r"the model wants \[3 or more, D, 8\]"),
        (POOL, (3, 4, 64), r"the model wants \[3 or more, 64, 4\]"),
        (POOL[:, :0], (3, 4), "the model wants"),
        (POOL[0], (3, 4), r"float64 of shape \(5, 4\), wanted floating-point numbers \[P, D, d\]"),
        (POOL.astype(int), (3, 4), "int64 of shape"),
        (POOL.astype(complex), (3, 4), "complex128 of shape"),
        (POOL.astype(np.longdouble), (3, 4), "wanted floating-point numbers"),
        (np.where(POOL > 2, np.nan, POOL), (6, 4), "not finite"),
        (POOL * 1e6, (3, 4), "not finite"),
        (np.array([[["x"]]]), (1, 1), "wanted floating-point numbers"),
        (np.array([[[object()]]]), (1, 1), "not a .npy file of numbers"),
    ],
)
def test_other_arrays_are_refused(file: Path, array: np.ndarray, settings: tuple[int, ...], message: str) -> None:
    np.save(file, array, allow_pickle=True)
    with pytest.raises(CheckpointError, match=message):
        read_matrices(file, *settings)


def npy(header: str, data: bytes = b"") -> bytes:
    """A .npy file with any header."""
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def saved(function: Callable[..., object], *arguments: object) -> bytes:
    file = io.BytesIO()
    function(file, *arguments)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        saved(np.savez, POOL),
        b"PK\x03\x04 no archive",
        pickle.dumps(print),
        saved(np.save, POOL)[:-8],
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1048576, 1048576, 4), }", bytes(64)),
        npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**40}, {2**40}, 4), }}", bytes(64)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 5, 4), }", bytes(640)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (6, 5, 4), }", bytes(960)),
        npy("__import__('os').abort()", bytes(64)),
    ],
    ids=["empty", "text", "npz", "zip", "pickle", "cut", "too large", "overflow", "negative", "objects", "code"],
)
def test_a_file_that_is_no_array_is_refused(file: Path, data: st.DataObject) -> None:
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"4_5\.npy: "):
        read_matrices(file, 3, 4)


def test_a_missing_file_is_an_error_of_the_system(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_matrices(file, 3, 4)


def release(**tensors: torch.Tensor) -> Release:
    """A checkpoint that holds random matrices in its decoder."""
    named = {f"decoder.{name}": tensor for name, tensor in tensors.items()}
    return Release(Path("source.pt"), named, ReleaseSettings(), True)


def test_those_that_evaluation_reads_are_taken_from_the_checkpoint() -> None:
    pool = torch.tensor(POOL).float()
    found = stored_matrices(release(random_matrices=pool, random_matrices_eval=pool[2:5]), "decoder.", 3, 4)
    assert found is not None
    assert torch.equal(found.first, pool[2:5])
    assert found.pool_size == 6


def test_the_pools_first_stand_in_where_the_checkpoint_has_no_others() -> None:
    pool = torch.tensor(POOL).float()
    found = stored_matrices(release(random_matrices=pool), "decoder.", 3, 4)
    assert found is not None
    assert torch.equal(found.first, pool[:3])
    assert stored_matrices(release(random_matrices=pool), "encoder.", 3, 4) is None


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("random_matrices_eval", (4, 5, 4), r"\[3, 5, 4\]"),
        ("random_matrices_eval", (3, 5, 8), r"\[3, 5, 4\]"),
        ("random_matrices_eval", (3, 6, 4), r"\[3, 5, 4\]"),
        ("random_matrices_eval", (3, 20), r"\[3, 5, 4\]"),
        ("random_matrices", (9, 6, 4), r"\[P, 5, 4\]"),
        ("random_matrices", (2, 5, 4), r"\[3, 5, 4\]"),
    ],
)
def test_other_matrices_in_the_checkpoint_are_refused(name: str, shape: tuple[int, ...], wanted: str) -> None:
    with pytest.raises(
        CheckpointError, match=f"random matrices 'decoder.{name}' have shape .*, the model wants {wanted}"
    ):
        stored_matrices(release(**{name: torch.ones(shape)}), "decoder.", 3, 4, 5)


def test_a_file_must_agree_with_the_checkpoint_but_for_rounding() -> None:
    exact = Matrices(torch.tensor(POOL[:3]).float(), 6)
    rounded = Matrices(exact.first.half().float(), 6)
    other = Matrices(torch.tensor(POOL[1:4]).float(), 6)
    assert choose_matrices(rounded, exact) is rounded
    assert choose_matrices(None, exact) is exact
    assert choose_matrices(rounded, None) is rounded
    with pytest.raises(CheckpointError, match="was trained with other random matrices than those of random_matrices"):
        choose_matrices(rounded, other)
    with pytest.raises(CheckpointError, match="holds no random matrices of causal attention: add random_matrices"):
        choose_matrices(None, None)
