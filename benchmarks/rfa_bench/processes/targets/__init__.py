"""Programs that decode with a target of rfa-export, one for each runtime."""
