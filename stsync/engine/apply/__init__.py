"""Carrying out a plan: one foreign write at a time through the ledger, stage by stage."""
