"""Business Central's error texts and what they mean to a bookkeeper, one file per corner of the program."""
