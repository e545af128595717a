"""Decisions: plain values in, plain values out. No clock, network, disk or logging in here."""
