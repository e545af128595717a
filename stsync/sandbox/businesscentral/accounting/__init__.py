"""Rules of the books: documents, journals, posting, ledgers, tax, dimensions (no web, no OData)."""
