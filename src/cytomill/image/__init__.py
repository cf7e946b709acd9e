"""What an image is; reading and writing, one file per format family.

An *image* is an array with named axes, a pixel size in µm, channel names and a name. An image
file can hold several. Nothing here reads more of a file than it is asked for.
"""
