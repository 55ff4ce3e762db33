"""What people copy to run rfa-serve elsewhere calls it with options that it has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pages import ROOT

from rfa_runtime.commands.serve import main

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

SERVE = ROOT / "examples" / "serve"
HOME = "/models/model.rfa"


def options_of(words: list[str]) -> dict[str, Any]:
    """What rfa-serve makes of a command line.  Fails for an option that it does not have."""
    return main.make_context("rfa-serve", list(words)).params


def test_the_deployment_and_its_service_are_about_one_server() -> None:
    deployment, service = yaml.safe_load_all((SERVE / "kubernetes.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    options = options_of(container["args"])
    assert (str(options["bundle"]), options["host"]) == (HOME, "0.0.0.0")
    assert container["ports"] == [{"name": "http", "containerPort": options["port"]}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] == "http"


def test_the_unit_and_the_image_call_it_with_options_that_it_has() -> None:
    unit = (SERVE / "rfa-serve.service").read_text()
    command = re.search(r"^ExecStart=\S+ (.*)$", unit, re.MULTILINE)
    assert options_of(command[1].split())["port"] == 8000
    image = (SERVE / "Dockerfile").read_text()
    words = json.loads(re.search(r"^CMD (.*)$", image, re.MULTILINE)[1])
    assert options_of([HOME, *words])["host"] == "0.0.0.0"
