"""Where files are read and written, asked before long work begins: it would be lost."""

from __future__ import annotations

from pathlib import Path


def check_readable(*files: Path | str | None) -> None:
    """Raise OSError, as `open` does, for the first file that cannot be read.  None stands for no file.

    Pipes and devices are left alone: opening one may wait, or take something out of it.
    """
    for file in files:
        if file is None:
            continue
        path = Path(file)
        if path.is_file() or path.is_dir() or not path.exists():
            try:
                path.open("rb").close()
            except ValueError as error:  # a name with a NUL in it
                raise OSError(f"{str(file)!r} is not a file's name ({error})") from error


def check_folder_of(output: Path | str) -> None:
    """Raise NotADirectoryError where the folder is missing that a file or folder should be written into."""
    folder = Path(output).parent
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder: make it first")
