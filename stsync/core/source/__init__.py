"""ServiceTitan's records as values: only the fields the books need, parsed strictly, never guessed."""
