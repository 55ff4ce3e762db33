"""Graphs, and the passes over them.

One rule holds for every pass: it is a function of one `ir.Model`, changes that model in place, and returns nothing
about it.  Some return what they learned, as `thread_state` returns the states.

A stage of the main path (a task's `rewrite`, `round_weights`, a target's `lower`) makes new graphs, and leaves those
that it was given as they are.  It copies first, then runs passes over the copy: `Draft.after` does both.  A copy costs
nothing that matters: it shares the weights.

What all passes use is in this folder.  Its rooms do not know each other: `rewrite/` makes step graphs of training
graphs, `rounding/` gives weights and states fewer bits, `lowering/` writes a graph for one target.
"""
