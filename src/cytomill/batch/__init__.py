"""Running a pipeline over many images on this machine."""
