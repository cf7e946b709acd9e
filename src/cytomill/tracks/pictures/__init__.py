"""Pictures of tracks: the lineage tree, and the movie with its cells outlined."""
