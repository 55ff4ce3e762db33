"""The routes of `rfa-serve`, by what they are about."""
