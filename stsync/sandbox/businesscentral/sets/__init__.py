"""The entity sets of API v2.0: which fields exist, who may write them, and what a write does."""
