"""Checkpoints of the authors' release to ours."""
