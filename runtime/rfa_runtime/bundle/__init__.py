"""What lies on the disk.  Standard library only: the exporter, and anyone, can use this folder by itself."""

from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle
from rfa_runtime.bundle.staging import staged_bundle

__all__ = ["Bundle", "read_bundle", "staged_bundle", "write_bundle"]
