"""Programs that print JSON, run one after the other, whatever becomes of each."""
