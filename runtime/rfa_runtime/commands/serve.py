"""`rfa-serve`: a bundle behind HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

import rfa_runtime
from rfa_runtime import serve as serving
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import CLASSIFICATION, TRANSLATION
from rfa_runtime.ending import complain, in_one_line
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.threads import LARGEST_THREADS

FOLDER = click.Path(path_type=Path)
COUNT = click.IntRange(min=1)
MEGABYTE = 1 << 20
KEY = "RFA_API_KEY"


@click.command(epilog="Example:  rfa-serve model.rfa --port 8000 --max-streams 64")
@click.argument("bundle", required=False, type=FOLDER, metavar="[DIR]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 is everywhere.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--model-name", help="What clients call the model; the name of its folder by default.")
@click.option("--api-key", help=f"Clients have to send this key; or set {KEY}, which no list of processes shows.")
@click.option("--threads", type=click.IntRange(1, LARGEST_THREADS), help="CPU threads of a step.")
@click.option("--provider", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run.")
@click.option("--max-streams", type=COUNT, help="Texts that are written at once; 64 by default.")
@click.option("--state-budget", type=COUNT, help="Megabytes for their states, in place of --max-streams.")
@click.option(
    "--cache-budget", type=click.IntRange(min=0), default=64, show_default=True, help="Megabytes for prompts."
)
@click.option("--cache-folder", type=FOLDER, help="States that find no room there go to this folder.")
@click.option("--client-states", is_flag=True, help="Clients may take the state of a text along, and bring it back.")
@click.option(
    "--session-budget", type=click.IntRange(min=0), default=64, show_default=True, help="Megabytes for sessions."
)
@click.option("--session-folder", type=FOLDER, help="Sessions are written to this folder, and outlive the server.")
@click.option(
    "--session-folder-budget", type=click.IntRange(min=0), default=1024, show_default=True, help="Its megabytes."
)
@click.option("--max-queue", type=click.IntRange(min=0), default=256, show_default=True, help="Texts that wait.")
@click.option("--max-prompt-tokens", type=COUNT, default=1 << 20, show_default=True, help="Of a prompt.")
@click.option("--max-new-tokens", type=COUNT, default=4096, show_default=True, help="Of a text.")
@click.option("--max-body", type=COUNT, default=8, show_default=True, help="Megabytes of a request.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.001), default=600, show_default=True, help="Seconds of a request."
)
@click.version_option(rfa_runtime.__version__)
def main(bundle: Path | None, **options: Any) -> None:
    """Serve the model in DIR, a bundle of rfa-export, to clients of OpenAI's API.

    Without DIR, the small model of stories that comes with this program.  The page at / tries it.  Ctrl-C or SIGTERM
    lets texts that have begun come to their end, for up to 30 seconds.
    """
    with in_one_line(RfaRuntimeError):
        serve(rfa_runtime.read_bundle(bundle or rfa_runtime.shipped_bundle()), **options)


def serve(
    bundle: Bundle,
    host: str,
    port: int,
    model_name: str | None,
    api_key: str | None,
    threads: int | None,
    provider: str,
    max_streams: int | None,
    state_budget: int | None,
    cache_budget: int,
    cache_folder: Path | None,
    client_states: bool,
    session_budget: int,
    session_folder: Path | None,
    session_folder_budget: int,
    max_queue: int,
    max_prompt_tokens: int,
    max_new_tokens: int,
    max_body: int,
    timeout: float,
) -> None:
    """Listen until somebody ends it."""
    settings = serving.ServeSettings(
        model_name=model_name,
        api_key=api_key or os.environ.get(KEY),
        max_body_bytes=max_body * MEGABYTE,
        max_prompt_tokens=max_prompt_tokens,
        max_new_tokens=max_new_tokens,
        max_queue=max_queue,
        client_states=client_states,
        session_bytes=session_budget * MEGABYTE,
        session_folder=session_folder,
        session_folder_bytes=session_folder_budget * MEGABYTE,
        request_seconds=timeout,
    )

    def open_model() -> rfa_runtime.Engine | rfa_runtime.Translator | rfa_runtime.Classifier:
        if bundle.manifest.task == TRANSLATION:
            return rfa_runtime.Translator(bundle, threads, provider)
        if bundle.manifest.task == CLASSIFICATION:
            return rfa_runtime.Classifier(bundle, threads, provider)
        return rfa_runtime.Engine(
            bundle,
            threads,
            provider,
            max_streams=max_streams,
            memory_bytes=None if state_budget is None else state_budget * MEGABYTE,
            cache_bytes=cache_budget * MEGABYTE,
            cache_folder=cache_folder,
        )

    listen = serving.listen  # says where an extra is missing
    complain(f"{bundle.path.name}: http://{host}:{port} (Ctrl-C ends)")
    listen(bundle, settings, open_model, host, port)


if __name__ == "__main__":
    main()
