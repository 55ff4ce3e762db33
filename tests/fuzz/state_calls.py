"""States of a bundle from Python, as a command: `state BUNDLE CALLS`, CALLS being a JSON list of [name, argument]."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import numpy as np

import rfa_runtime


@click.command()
@click.argument("bundle")
@click.argument("calls")
def main(bundle: str, calls: str) -> None:
    """Call one after the other; an error of ours ends it with exit code 2."""
    try:
        session = rfa_runtime.StepSession(rfa_runtime.read_bundle(bundle), threads=1)
        state = session.new_state()
        for name, argument in json.loads(calls):
            state = call(session, state, name, argument)
    except rfa_runtime.RfaRuntimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


def call(session: rfa_runtime.StepSession, state: rfa_runtime.State, name: str, argument: Any) -> rfa_runtime.State:
    """Do one thing.  Returns the state to go on with."""
    if name == "new":
        return session.new_state(*argument)
    if name == "step":
        session.step(np.resize(argument[1] or [0], argument[0]), state)
    elif name == "token":
        session.step_token(argument, state)
    elif name == "select":
        return state.select(argument)
    elif name == "reorder":
        state.reorder(argument)
    elif name == "reserve":
        state.reserve(argument)
    elif name == "stack":
        return rfa_runtime.State.stack([state] * argument)
    elif name == "copy":
        return state.copy()
    else:
        state.reset()
    return state
