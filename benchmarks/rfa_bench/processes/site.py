"""The example page of the browser package and a bundle, on this machine's own address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
BUNDLE = "/bundle/"
PAGE = f"/example/index.html?bundle={BUNDLE}&packages=/node_modules/"


class Site:
    """Files that are served, and what was asked for."""

    def __init__(self, web: Path, bundle: Path) -> None:
        """web: the folder of the browser package, with its packages."""
        self.asked: list[str] = []
        """Paths, in their order."""
        handler = partial(Handler, site=self, bundle=bundle, directory=str(web))
        self._server = ThreadingHTTPServer((HOST, 0), handler)
        self.page = f"http://{HOST}:{self._server.server_port}{PAGE}"
        """The address of the page."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class Handler(SimpleHTTPRequestHandler):
    """Answers one request."""

    def __init__(self, *arguments: object, site: Site, bundle: Path, directory: str) -> None:
        self._site = site
        self._bundle = bundle
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        """The file behind a path."""
        name = path.partition("?")[0]
        if name.startswith(BUNDLE):
            return str(self._bundle / Path(name).name)
        return super().translate_path(path)

    def log_message(self, form: str, *words: object) -> None:
        """Note what was asked for, and print nothing."""
        self._site.asked.append(self.path)


@contextmanager
def serving_page(web: Path, bundle: Path) -> Iterator[Site]:
    """Serve the page and a bundle."""
    site = Site(web, bundle)
    try:
        yield site
    finally:
        site.close()
