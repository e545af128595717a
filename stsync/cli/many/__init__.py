"""`stsync sync` for several companies: each in a process of its own, one summary, one exit code."""
