"""What a bundle can be written for, one file each.  `registry.py` lists them."""
