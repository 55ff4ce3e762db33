"""Measure what the project claims: latency, memory and overhead, each against the strongest rival, in one run."""
