"""Cells through time: linking the objects of frames, lineages, and the files they are kept in.

A *spot* is a cell in one frame. A *track* is a cell from its first to its last frame; a *division*
ends a track and begins two or more, its daughters. A *gap* is where a track goes on though no spot
was found; a spot put there afterwards is *filled*. A *lost* frame is one that could not be
analysed: all tracks have a gap there. Frames and labels are numbered as in the Cell Tracking
Challenge: frames from 0, labels from 1.
"""
