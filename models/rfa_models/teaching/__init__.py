"""A softmax model teaches a model of ours: the same weights with other attention, first layer by layer, then whole."""
