"""What stsync knows, as values: from the state file to answers, without printing.

The commands print these values as tables or as JSON, so both say the same.
"""
