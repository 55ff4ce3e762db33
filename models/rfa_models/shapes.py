"""The letters that docstrings use for tensor dimensions, each named once.

    B  batch            T  target length        M  source length
    E  model width      H  heads                d  head width
    D  random vectors   K  features: 2 D for Gaussian, D for arc-cosine
    V  value width      N  vocabulary           L  layers
    P  matrices in the random pool              C  classes, or channels of a row
    G  heads of keys and values, H or fewer     S  sides: H / G heads of queries, and the keys
    W  tokens of a window                       n  sinks

Inside attention a value carries a constant one as its last channel, so V = d + 1 there: the state's
last column is then the normalizer z, and one recurrence advances S and z together.
"""
