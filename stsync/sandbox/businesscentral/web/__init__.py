"""The HTTP face: addresses, verbs, batches, limits, authentication."""
