"""The files that tracks are kept in: one per format."""
