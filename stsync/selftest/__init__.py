"""Trials against the built-in sandbox: break a run in a chosen place, run again, and compare the books.

Read `places` for where and how a run is broken, `trial` for what one trial does and asks, `campaign` for many of them.
A killed run is a process of its own that ends by SIGKILL, without a goodbye.
"""
