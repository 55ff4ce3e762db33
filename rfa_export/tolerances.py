"""How far results may differ: bounds that several files share, each with its reason.

A bound that only one test needs has a name and a reason in that test.
"""

FORMS_FLOAT64 = 1e-12
"""Quadratic, chunked and one-token form, golden vectors: the same sums in another order, float64 (eps 2.2e-16)."""

FORMS_FLOAT32 = 1e-4
"""The same forms in float32 (eps 6e-8), with gates so near 0 or 1 that their logarithms keep few digits."""

GRADIENTS_FLOAT64 = 1e-11
"""Gradients of these forms in float64: sums over tokens of what is itself such a sum."""

MODELS_FLOAT64 = 1e-11
"""Whole models in torch against themselves (step by step, with padding) or against numpy, float64.

A few layers of the forms above; each division by phi(q).z makes their differences larger."""

LOGITS_FLOAT32 = 2e-4
"""Bundle in float32 against torch in float64, relative to the largest logit.

float32 (eps 6e-8) through some ten layers gives about 1e-6; the division by phi(q).z multiplies that where the sum
nearly cancels, the method's known weakness.  Measured with 32 random vectors or more: up to 3e-5.  Untrained models
of 8 vectors and 8 layers reached 1.4e-4 to 7e-4, so that some of them are refused.

Translators and classifiers keep well within the same bound, although they sum over a whole text at once: untrained ones
of 2 to 12 layers and 16 to 64 vectors, 1e-7 to 7e-6."""

LOGITS_INT8_ACTIVATIONS = 5e-2
"""Bundle that multiplies whole numbers, against torch in float64 with the same rounded weights.

MatMulNBits rounds what it multiplies to 8 bits, block by block: 0.4% of the largest in a block at each product.
Measured: 0.7% of the largest logit for 4 layers of width 128."""

LOGITS_FLOAT16 = 2e-2
"""Bundle with products or states in float16 (eps 5e-4), against torch in float64 with the same rounded weights.

Measured on 4 layers of width 128: 5e-4 of the largest logit with products in float16 by the reference evaluator (ONNX
Runtime computes them in float32 on the CPU), 2e-4 with float16 states."""

STATE_FLOAT16 = 5e-2
"""State in float16 after some thousand tokens, relative to its largest number.  Beyond it, gates forget too slowly.

Measured on 4 gated layers: 0.5% at 2,048 tokens, 0.4% at 8,192.  Untrained ones whose gates stay near
0.9933 are 0.4% off after 8,192 tokens, near 0.9991 8%, near 0.9999 37%."""

NEAR_TIE = 2.0
"""Two logits that are closer than this many bounds may swap places: another greedy token is then no fault."""

PERPLEXITY = 1e-3
"""Bundle against torch: relative difference of the perplexity on a text."""

SHARES_FLOAT32 = 1e-5
"""A batch read in parts, by several processes: loss and gradient are sums in another order.  2e-7 was seen."""

LOSS_CURVES = 1e-3
"""Losses of two trainings, in nats, that differ in the order of sums alone: the difference grows from step to step.
1e-5 was seen in 12 steps."""
