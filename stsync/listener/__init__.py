"""The optional listener: it verifies a delivery, keeps a hint, and answers. The next run does the work by reading."""
