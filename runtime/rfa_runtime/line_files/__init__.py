"""Files of lines in, files of answers out."""
