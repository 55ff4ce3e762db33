"""`rfa-bench`: the group of all measurements."""

from __future__ import annotations

import click

from rfa_bench.commands.agreement import agreement
from rfa_bench.commands.all import all_measurements
from rfa_bench.commands.batch import batch
from rfa_bench.commands.classify import classify
from rfa_bench.commands.company import company
from rfa_bench.commands.compare import compare
from rfa_bench.commands.decode import decode
from rfa_bench.commands.export import export
from rfa_bench.commands.gpu import gpu
from rfa_bench.commands.growth import growth
from rfa_bench.commands.load import load
from rfa_bench.commands.memory import memory
from rfa_bench.commands.operators import operators
from rfa_bench.commands.overhead import overhead
from rfa_bench.commands.page import page
from rfa_bench.commands.paper import paper
from rfa_bench.commands.prefill import prefill
from rfa_bench.commands.programs import programs
from rfa_bench.commands.report import report
from rfa_bench.commands.roofline import roofline
from rfa_bench.commands.scale import scale
from rfa_bench.commands.score import score
from rfa_bench.commands.speculation import speculation
from rfa_bench.commands.steady import steady
from rfa_bench.commands.streams import streams
from rfa_bench.commands.systems import systems
from rfa_bench.commands.targets import targets
from rfa_bench.commands.train import train
from rfa_bench.commands.translate import translate
from rfa_export.version import __version__


@click.group(epilog="Example:  rfa-bench all --quick --output results")
@click.version_option(__version__, prog_name="rfa-bench")
def main() -> None:
    """Measure time, memory and agreement with torch on this machine."""


MEASUREMENTS = (
    all_measurements,
    report,
    systems,
    decode,
    prefill,
    batch,
    memory,
    load,
    translate,
    paper,
    classify,
    train,
    score,
    operators,
    roofline,
    streams,
    company,
    speculation,
    growth,
    steady,
    overhead,
    targets,
    programs,
    page,
    scale,
    export,
    agreement,
    compare,
    gpu,
)
for command in MEASUREMENTS:
    main.add_command(command)


if __name__ == "__main__":
    main()
