"""One long text as batches of segments: any segments, or streams side by side for models that carry their state.

Letters: B segments, T tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rfa_models.errors import DataError


class SegmentBatches:
    """The batch of every training step, as a function of the step: a resumed run sees what it would have seen.

    Each epoch cuts the text at another offset and takes the segments in another order, both drawn from the seed.
    """

    def __init__(self, ids: Tensor, batch: int, length: int, seed: int) -> None:
        if len(ids) < 2 * length + 1:
            raise DataError(
                f"the training text has {len(ids)} tokens, segments of {length} need at least {2 * length + 1}: "
                "give more text or a smaller segment_length"
            )
        self.ids = ids
        self.batch = batch
        self.length = length
        self.seed = seed
        self.segments = (len(ids) - length - 1) // length
        self._epoch = -1
        self._starts = torch.empty(0, dtype=torch.int64)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of one step, both int64 [B, T]."""
        index = torch.arange(step * self.batch, (step + 1) * self.batch)
        starts = torch.stack([self._start(int(i)) for i in index])
        window = self.ids[starts.unsqueeze(1) + torch.arange(self.length + 1)].long()
        return window[:, :-1], window[:, 1:]

    def _start(self, index: int) -> Tensor:
        """Return where the index-th segment of the whole run begins."""
        epoch, place = divmod(index, self.segments)
        if epoch != self._epoch:
            rng = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            offset = torch.randint(self.length, (1,), generator=rng)
            self._epoch = epoch
            self._starts = torch.randperm(self.segments, generator=rng) * self.length + offset
        return self._starts[place]


class StreamBatches:
    """B contiguous streams; each batch is the next segment of every stream, as a function of its number.

    Every epoch begins at another offset, with other borders between the streams.
    """

    def __init__(self, ids: Tensor, batch: int, length: int, seed: int) -> None:
        self.segments = (len(ids) - length - 1) // (batch * length)
        """Of each stream."""
        if self.segments < 1:
            raise DataError(
                f"the training text has {len(ids)} tokens, {batch} streams of segments of {length} need at least "
                f"{(batch + 1) * length + 1}: give more text or a smaller batch_size"
            )
        self.ids = ids
        self.batch = batch
        self.length = length
        self.seed = seed

    def __call__(self, index: int) -> tuple[Tensor, Tensor, int]:
        """Inputs and targets, both int64 [B, T], and where in the streams they begin: at 0 there is no state yet."""
        epoch, place = divmod(index, self.segments)
        rng = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        offset = torch.randint(self.length, (1,), generator=rng)
        streams = torch.arange(self.batch) * self.segments * self.length
        starts = offset + streams + place * self.length
        window = self.ids[starts.unsqueeze(1) + torch.arange(self.length + 1)].long()
        return window[:, :-1], window[:, 1:], place * self.length
