"""Processes that hold one system each."""
