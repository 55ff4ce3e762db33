"""Passes over the traced graph.  Each takes an `ir.Model` and changes it in place."""
