"""Measure what the project claims: time, memory and agreement with torch, against the best softmax systems.

cli           `rfa-bench`, the group of all commands
commands      what the terminal calls: options in, a table out; click and nothing heavy
measurements  how each figure is taken; loaded when a command starts to measure
checkouts     two checkouts of this project beside each other
processes     programs that a measurement starts, so that time and memory belong to one system
subjects      the models that are measured
"""
