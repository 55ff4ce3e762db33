"""rfa-run, called by tests."""

from __future__ import annotations

import sys

from click.testing import CliRunner, Result

from rfa_runtime.commands.run import main

COMMAND = [sys.executable, "-m", "rfa_runtime.commands.run"]
GENERATION = {
    "token_ids",
    "text",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "ttft_s",
    "tokens_per_s",
    "state_bytes",
    "peak_rss_bytes",
}


def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def refused(result: Result, words: str) -> None:
    """One line on standard error, nothing else, exit code 2."""
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
