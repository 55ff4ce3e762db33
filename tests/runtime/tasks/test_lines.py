"""What is done with every line is a value: it can be noted, and sent to another process."""

from __future__ import annotations

import json
import pickle

import pytest

from rfa_runtime.decoding.grammar import Grammar
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.line_files.progress import sha256_of_settings
from rfa_runtime.tasks.lines import ClassifyLines, ContinueLines, LineJob, TranslateLines

JOBS = [
    ContinueLines({"max_new_tokens": 8, "stop": ("\n",), "grammar": Grammar.regex("[a-z]+")}, as_json=True),
    TranslateLines(SearchConfig(beam=4), max_source_tokens=100),
    ClassifyLines(),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_jobs_travel_and_are_noted(job: LineJob) -> None:
    other = pickle.loads(pickle.dumps(job))
    assert other == job
    assert json.loads(json.dumps(other.settings()))["json"] == job.as_json
    assert sha256_of_settings(other.settings()) == sha256_of_settings(job.settings())


def test_another_grammar_gives_other_answers() -> None:
    one, other = (ContinueLines({"grammar": Grammar.regex(word)}) for word in ("[a-z]", "[0-9]"))
    assert sha256_of_settings(one.settings()) != sha256_of_settings(other.settings())
