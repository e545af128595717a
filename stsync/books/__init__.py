"""Proof: ServiceTitan's numbers beside Business Central's own, and a named record behind every difference."""
