"""What a step needs stays, and nothing else."""

from __future__ import annotations

import numpy as np
from small_graphs import assert_same_numbers, normal, operators, run, small_graph

from rfa_export.graph.cleanup import cleanup, remove_unused

TIED = """g (int64[batch, sequence] ids) => (float[batch, sequence, 20] y) {
    x = Gather (embedding, ids)
    head = Transpose <perm = [1, 0]> (embedding)
    y = MatMul (x, head)
}"""
IDS = np.array([[0, 7, 19], [3, 3, 1]])


def test_what_depends_only_on_weights_is_computed_here() -> None:
    model = small_graph(
        """g (float[batch, 4] x) => (float[batch, 4] y) <float half = {0.5}> {
            scaled = Mul (w, half)
            turned = Transpose <perm = [1, 0]> (scaled)
            y = MatMul (x, turned)
        }""",
        w=normal(4, 4),
    )
    before = run(model, normal(2, 4, seed=1))[0]
    cleanup(model)
    assert operators(model) == ["MatMul"]
    assert [value.shape.numpy() for value in model.graph.initializers.values()] == [(4, 4)]
    assert_same_numbers(run(model, normal(2, 4, seed=1))[0], before)


def test_a_large_weight_is_folded_too() -> None:
    model = small_graph(
        "g (float[batch, 1500] x) => (float[batch, 1500] y) { t = Add (w, w)\n y = MatMul (x, t) }",
        w=np.zeros((1500, 1500), np.float32),
    )
    cleanup(model)
    assert operators(model) == ["MatMul"]


def test_a_tied_embedding_is_not_stored_a_second_time() -> None:
    model = small_graph(TIED, embedding=normal(20, 8))
    before = run(model, IDS)[0]
    cleanup(model)
    assert operators(model) == ["Gather", "Transpose", "MatMul"]
    assert [value.shape.numpy() for value in model.graph.initializers.values()] == [(20, 8)]
    assert_same_numbers(run(model, IDS)[0], before)


def test_what_nobody_reads_goes() -> None:
    model = small_graph(
        """g (float[batch, 4] x, int64[batch] ignored) => (float[batch, 4] y) <float[2] spare = {1.0, 2.0}> {
            same = Identity (x)
            read_by_none = Exp (same)
            y = Abs (same)
        }"""
    )
    for node in model.graph:
        node.doc_string, node.metadata_props["from"] = "written by torch", "model.py"
    cleanup(model)
    assert operators(model) == ["Abs"]
    assert [value.name for value in model.graph.inputs] == ["x"]
    assert not model.graph.initializers
    assert "com.microsoft" not in model.opset_imports
    assert not any(node.doc_string or node.metadata_props for node in model.graph)


def test_what_is_there_twice_is_there_once() -> None:
    model = small_graph(
        """g (float[batch, 4] x) => (float[batch, 4] y) <float one = {1.5}, float other = {1.5}> {
            a = Mul (x, one)
            b = Mul (x, one)
            c = Mul (a, other)
            d = Add (b, c)
            same = Identity (d)
            y = Abs (same)
        }"""
    )
    x = normal(2, 4)
    before = run(model, x)[0]
    remove_unused(model)
    assert operators(model) == ["Mul", "Mul", "Add", "Abs"]
    assert len(model.graph.initializers) == 1
    assert np.array_equal(run(model, x)[0], before)


def test_what_a_step_computes_is_left_alone() -> None:
    model = small_graph(
        """g (float[batch, sequence, 8] x, float[batch, sequence, 2] f, float[batch, 2, 4, 4] past)
        => (float[batch, sequence, 8] o, float[batch, 2, 4, 4] present) {
            h = MatMul (x, w)
            s = Softplus (f)
            log_decay = Neg (s)
            o, present = com.microsoft.LinearAttention
                <q_num_heads = 2, kv_num_heads = 2, scale = 1.0, update_rule = "gated"> (h, h, x, past, log_decay)
        }""",
        w=normal(8, 8),
    )
    inputs = normal(2, 3, 8), normal(2, 3, 2, seed=1), normal(2, 2, 4, 4, seed=2)
    before, kinds = run(model, *inputs), operators(model)
    cleanup(model)
    assert operators(model) == kinds
    assert [value.name for value in model.graph.inputs] == ["x", "f", "past"]
    assert [value.name for value in model.graph.outputs] == ["o", "present"]
    for found, wanted in zip(run(model, *inputs), before, strict=True):
        assert np.array_equal(found, wanted)


def test_a_second_cleanup_finds_nothing() -> None:
    model = small_graph(TIED, embedding=normal(20, 8))
    cleanup(model)
    once = operators(model), sorted(model.graph.initializers)
    cleanup(model)
    assert (operators(model), sorted(model.graph.initializers)) == once
