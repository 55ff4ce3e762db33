"""rfa-run, called by tests."""

from __future__ import annotations

import sys
from inspect import signature

from click.testing import CliRunner, Result

from rfa_runtime.commands.run import main

COMMAND = [sys.executable, "-m", "rfa_runtime.commands.run"]
GENERATION = {
    "token_ids",
    "text",
    "finish_reason",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "ttft_s",
    "tokens_per_s",
    "state_bytes",
    "peak_rss_bytes",
}


def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
    return runner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def runner() -> CliRunner:
    """One that keeps standard error apart.  From click 8.2 on they all do; before, they had to be told."""
    if "mix_stderr" in signature(CliRunner).parameters:
        return CliRunner(mix_stderr=False)  # type: ignore[call-arg]
    return CliRunner()


def refused(result: Result, words: str) -> None:
    """One line on standard error, nothing else, exit code 2."""
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
