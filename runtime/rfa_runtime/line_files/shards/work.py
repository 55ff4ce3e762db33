"""One shard: claimed by a lock, answered batch by batch, and noted as complete."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from rfa_runtime.bar import Bar
from rfa_runtime.bundle.process_lock import writing
from rfa_runtime.errors import OutputBusyError, TextError
from rfa_runtime.line_files.answers import Worker, in_batches
from rfa_runtime.line_files.convert import answer_batch, write_answers
from rfa_runtime.line_files.output import recorded_output
from rfa_runtime.line_files.shards.plan import Done, Plan, lines_of, note_done, open_shards, read_done, read_end
from rfa_runtime.line_files.text import Line, read_lines
from rfa_runtime.wording import OVERWRITE


def answer_free_shard(plan: Plan, worker: Worker[str, str], batch: int, bar: Bar) -> bool:
    """Answer the first shard that is not done and that nobody has.  Returns whether there was one."""
    for number in open_shards(plan):
        try:
            with writing(plan.answers(number)):
                if is_open(plan, number):  # whoever had it may have finished in the meantime
                    answer_shard(plan, number, worker, batch, bar)
                    return True
        except OutputBusyError:
            continue
    return False


def is_open(plan: Plan, number: int) -> bool:
    """Whether a shard is still to be answered.  Once all are put together the plan says so, and then their notes go."""
    return read_done(plan, number) is None and read_end(plan) is None


def answer_shard(plan: Plan, number: int, worker: Worker[str, str], batch: int, bar: Bar) -> None:
    """Answer a shard from where it was left.  Raises TextError where the file has become shorter since it was cut."""
    with recorded_output(plan.answers(number), plan.origin, overwrite=False, nested=True) as output:
        bar.advance(output.lines)
        batches = in_batches(lines_from(plan, number, output.lines), batch)
        write_answers(map(partial(answer_batch, worker=worker), batches), output, bar)
        if output.lines != plan.shards[number].lines:
            raise TextError(f"{plan.source} has become shorter since it was cut: begin again with ", OVERWRITE)
        end = output.progress
        note_done(plan, number, Done(end.lines, end.errors, end.bytes, end.output))


def lines_from(plan: Plan, number: int, done: int) -> Iterator[Line]:
    """The lines of a shard behind those that are done, with their places in the file."""
    shard = plan.shards[number]
    lines = read_lines(lines_of(plan, shard), str(plan.source), shard.first)
    return islice(lines, done, None)
