"""What a viewer reads of an item: its pixels at several resolutions, and what was measured.

A *level* is a plane with its edges halved so often: level 0 is the plane itself. A *chunk* is a
square of a level, 512 pixels wide, and what is sent at once. A *pyramid* is all levels of an image
or its labels. Chunks are made from the file when they are asked for; of planes that are too large
for that, a pyramid is built beside the requests, in bounded memory, and kept on disk for a while.
"""
