"""What a person should know of a conversion that went well: what was taken for granted, and what differs."""

from __future__ import annotations

import dataclasses

from rfa_models.convert.programs import RELEASE, Program
from rfa_models.convert.release import Release


def notes_on(release: Release) -> list[str]:
    """A line each, without the name of the file; mostly none."""
    notes = []
    if not release.has_settings:
        notes.append(f"has no settings, these were taken: {assumed_settings(release)}")
    if release.program.name != RELEASE.name:
        notes.append(
            f"is a file of {release.program.name}, by its names or settings, so constants of that program were taken: "
            f"{constants(release.program)}; others can be given"
        )
    if not release.settings.cuda_causal_rfa and release.program.masked_denominator is not None:
        notes.append(
            "was trained with cuda_causal_rfa off: its causal attention divided by "
            f"{release.program.masked_denominator}, this model divides by {decoding_denominator(release.program)}, as "
            "the authors' own decoding does.  Those two differed by 1.2 in a logit: measure the model before you use it"
        )
    return notes


def assumed_settings(release: Release) -> str:
    """All settings of a release, as a list for people."""
    return ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(release.settings).items())


def constants(program: Program) -> str:
    """The constants that options can set."""
    return f"feature scale {program.causal['feature_scale']:g}, floor {program.causal['denominator_floor']:g}"


def decoding_denominator(program: Program) -> str:
    """What causal attention divides by while it decodes, in every program."""
    return f"max(phi(q).z, {program.causal['denominator_floor']:g})"
