"""Who is measured: RFA in every runtime, and what a reader would use instead."""
