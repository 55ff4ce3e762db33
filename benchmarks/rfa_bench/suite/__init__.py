"""All measurements in one folder, and the report of them."""
