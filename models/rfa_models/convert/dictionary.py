"""fairseq's dict.txt to a tokenizer: one "token count" a line, after four special tokens that the file leaves out.

A dictionary knows its tokens but not how words were split into them, so text must come split as for fairseq: words and
punctuation apart, parts of words ending in "@@".  Output is joined again.
"""

from __future__ import annotations

from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from rfa_models.data.tokenizer import END, START, UNKNOWN
from rfa_models.errors import CheckpointError
from rfa_models.wording import shown
from rfa_runtime.errors import TextError
from rfa_runtime.line_files.text import read_text

PADDING = "<pad>"
SPECIAL = (START, PADDING, END, UNKNOWN)
"""In the order of their ids, which is the same in every dictionary of fairseq."""
START_ID = SPECIAL.index(START)
END_ID = SPECIAL.index(END)


def read_dictionary(path: Path, vocab_size: int) -> Tokenizer:
    """A word-level tokenizer of the dictionary's tokens under their ids.

    Raises CheckpointError where the file is no dictionary or not the model's, OSError where it cannot be opened.
    """
    vocabulary = {token: index for index, token in enumerate(SPECIAL)}
    for number, line in enumerate(read_lines(path), 1):
        token, _, count = line.rstrip("\r").rpartition(" ")
        if not token or not count.isdecimal() or token in vocabulary:
            problem = "comes twice" if token in vocabulary else "is no 'token count'"
            raise CheckpointError(f"{path}, line {number}: {shown(line)} {problem}: is it a dictionary of fairseq?")
        vocabulary[token] = len(vocabulary)
    if len(vocabulary) != vocab_size:
        raise CheckpointError(
            f"{path}: {len(vocabulary):,} tokens with the {len(SPECIAL)} special ones, the model knows {vocab_size:,}: "
            "give the dictionary that it was trained with"
        )
    return dictionary_tokenizer(vocabulary)


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file.  Raises CheckpointError, or OSError where it cannot be opened."""
    try:
        text = read_text(path)
    except TextError as error:
        raise CheckpointError(f"{error}: is it a dictionary of fairseq?") from error
    return text.removesuffix("\n").split("\n")


def dictionary_tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    """A tokenizer that splits at spaces, and joins parts of words again when it decodes."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([START, PADDING, END])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(Regex("$"), " "), decoders.Fuse(), decoders.Replace(Regex("@@ | $"), "")]
    )
    return tokenizer


def check_special(tokenizer: Tokenizer, path: Path) -> None:
    """Raise CheckpointError where a translator would not find its start and end under fairseq's ids."""
    for token, wanted in ((START, START_ID), (END, END_ID)):
        found = tokenizer.token_to_id(token)
        if found != wanted:
            raise CheckpointError(
                f"{path}: {token!r} has id {found}, in fairseq's models it is {wanted}: "
                "give a tokenizer with the ids of the model's dictionary"
            )
