"""State of the simulator: rows, tables, undo, values and the plain setup rules (no web, no OData)."""
