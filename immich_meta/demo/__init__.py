"""A stand-in Immich with a library of its own, for the demo and the tests. Not here: the sync."""
