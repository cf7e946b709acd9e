"""From the objects of frames to tracks."""
