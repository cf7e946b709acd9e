"""The pipelines: the contract every analysis keeps, and one file per analysis.

A *pipeline* splits an image into *parts*, processes each on its own, and merges what came of them.
Whether the parts run in one process or on a thousand machines is none of its business.
"""
