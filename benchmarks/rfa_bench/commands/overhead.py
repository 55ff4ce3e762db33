"""`rfa-bench overhead`: what the exporter and the decoding loop add to the least that a step can cost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import JSON, KEEP, LANGUAGE_SIZE, PROVIDER, THREADS, count_option, measuring, print_result


@click.command(epilog="Example:  rfa-bench overhead --size gpt2-small --threads 2")
@LANGUAGE_SIZE
@THREADS
@PROVIDER
@count_option("--rounds", 15, "Turns of the two that are compared.")
@count_option("--burst", 20, "Steps of one in a turn.")
@KEEP
@JSON
def overhead(size: str, threads: int, provider: str, rounds: int, burst: int, keep: Path | None, as_json: bool) -> None:
    """What exporter and decoding loop add to the least that a step can cost.

    The exported graph is compared with one written by hand, the decoding loop with the bare call of the graph.
    """
    with measuring(keep) as (folder, progress):
        check_provider(provider)
        progress("measure")
        found = measurements.overhead.measure(size, folder, threads, rounds, burst, provider)
    text = (
        f"{size}, {threads} thread(s): exported graph {found.exported_us:.0f} us, written by hand "
        f"{found.handwritten_us:.0f} us, ratio {found.graph_ratio:.3f}\n"
        f"the decoding loop adds {found.loop_us:.0f} us per token to the bare call through io_binding; a token takes "
        f"{found.token_us:.0f} us, session.run with arrays {found.session_run_us:.0f} us"
    )
    print_result(asdict(found), text, as_json)
