"""How far results may differ, each number with its reason.  Everything that compares takes its bound from here."""

FORMS_FLOAT64 = 1e-12
"""Quadratic, chunked and one-token form, golden vectors: the same sums in another order, float64 (eps 2.2e-16)."""

LOGITS_FLOAT32 = 2e-4
"""Bundle in float32 against torch in float64, relative to the largest logit.

float32 (eps 6e-8) through some ten layers gives about 1e-6; the division by phi(q).z multiplies that where the sum
nearly cancels, the method's known weakness.  Measured with 32 random vectors or more: up to 3e-5.  Untrained models
of 8 vectors and 8 layers reached 1.4e-4 to 7e-4, so that some of them are refused.

Translators and classifiers keep well within the same bound, although they sum over a whole text at once: untrained ones
of 2 to 12 layers and 16 to 64 vectors, 1e-7 to 7e-6."""

LOGITS_INT8_ACTIVATIONS = 5e-2
"""Bundle that multiplies whole numbers, against torch in float64 with the same rounded weights.

MatMulNBits rounds what it multiplies to 8 bits in blocks of its own, 0.4% of the largest in a block at each product.
Measured: 0.7% of the largest logit for 4 layers of width 128."""

NEAR_TIE = 2.0
"""Two logits closer than this many bounds may swap places: a differing greedy token there is no fault."""

PERPLEXITY = 1e-3
"""Bundle against torch: relative difference of the perplexity on a text."""
