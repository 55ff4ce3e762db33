"""One file for each command of `rfa-bench`: its options, and its result in words."""
