"""Random Feature Attention models in torch: layers, a language model, training and checkpoints."""
