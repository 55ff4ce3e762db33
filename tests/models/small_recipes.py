"""The smallest recipe of each task.  Tests train what they describe."""

from __future__ import annotations

RECIPE = """
[model]
layers = 1
mlp_width = 16
dropout = 0.1

[model.attention]
gate = true
heads = 2
head_dim = 8
random_vectors = 8
pool_size = 8

[data]
train = ["text.txt"]
valid_fraction = 0.05

[tokenizer]
kind = "byte"

[train]
steps = 12
batch_size = 2
segment_length = 16
warmup_steps = 2
learning_rate = 1e-2
evaluate_every = 6
checkpoint_every = 4
"""

STATEFUL = RECIPE.replace("segment_length = 16", "segment_length = 16\nstateful = true")

TRANSLATION = """
task = "translation"

[model]
encoder_layers = 1
decoder_layers = 1
mlp_width = 16
dropout = 0.1

[model.encoder_attention]
kind = "softmax"
heads = 2
head_dim = 8

[model.causal_attention]
heads = 2
head_dim = 8
random_vectors = 8
pool_size = 8

[model.cross_attention]
heads = 2
head_dim = 8
random_vectors = 12
pool_size = 8

[data]
train = ["numbers"]
valid_fraction = 0.1

[data.numbers]
count = 200

[tokenizer]
kind = "bpe"
vocab_size = 300

[train]
steps = 12
batch_tokens = 400
warmup_steps = 2
learning_rate = 1e-2
evaluate_every = 6
checkpoint_every = 4
"""

CLASSIFICATION = """
task = "classification"

[model]
layers = 1
mlp_width = 16
dropout = 0.1
pooling = "first"
max_tokens = 40

[model.attention]
heads = 2
head_dim = 8
random_vectors = 8
pool_size = 8

[data]
train = ["listops"]
valid_fraction = 0.1

[data.listops]
count = 200
shortest = 5
longest = 60

[tokenizer]
kind = "word"
vocab_size = 32
replace = { "(" = "", ")" = "", "]" = "X" }

[train]
steps = 12
batch_size = 8
warmup_steps = 2
learning_rate = 1e-2
evaluate_every = 6
checkpoint_every = 4
"""

RECIPES = {
    "language-model": RECIPE,
    "stateful": STATEFUL,
    "translation": TRANSLATION,
    "classification": CLASSIFICATION,
}
