"""What is measured: models with random weights, for time and memory do not depend on what a model has learned.

Twins are two models of one shape, one with random feature attention and one with softmax, exported the same way.
"""
