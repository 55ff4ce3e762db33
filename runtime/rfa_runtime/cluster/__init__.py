"""Files of lines, answered by the workers of a Dask cluster (extra `cluster`)."""
