"""All measurements in one folder: a door to `rfa_bench/suite`, which is loaded when it is asked for."""

from __future__ import annotations

from rfa_bench.suite.plan import FULL, FULL_LIMIT, QUICK, QUICK_LIMIT, only, parts_of
from rfa_bench.suite.report import write_report
from rfa_bench.suite.results import read_results, run_all

__all__ = ["FULL", "FULL_LIMIT", "QUICK", "QUICK_LIMIT", "only", "parts_of", "read_results", "run_all", "write_report"]
