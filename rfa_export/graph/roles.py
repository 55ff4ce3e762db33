"""What a bundle calls its graphs."""

from __future__ import annotations

MODEL, PREFILL, SCORE, ENCODER = "model", "prefill", "score", "encoder"
"""Takes a step or classifies; reads a prompt, where that is a graph of its own; gives all logits; reads a source."""
OUR_OWN = "ort"
"""The target whose graphs have the roles that rfa-runtime asks for."""


def role_in_bundle(role: str, target: str) -> str:
    """Under which name a bundle holds a target's graph."""
    return role if target == OUR_OWN else f"{role}.{target}"
