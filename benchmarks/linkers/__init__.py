"""The same detections behind several linkers, each as its own documentation would have it.

A linker is a module with three functions. ``prepare(movie)`` brings the detections into its own
form; ``link(prepared, setting)`` links them, and only that is timed; ``told(movie, linked)`` says
what it did: for each detection the number of its track, from 0, or -1 where it was left out, and
the mother's number for each track that has one. ``GRID`` are the settings that are tried, and
``FRAMES``, where there is one, says how many frames it does. Modules but ours need numpy and their
linker, nothing of Cytomill, so that each may live in an environment of its own.
"""
