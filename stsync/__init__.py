"""stsync carries ServiceTitan revenue into Business Central and proves that the two agree."""

__version__ = "0.1.0"
