"""The Immich API: requests in, frozen values out. Not here: what the values mean for a file (mapping/)."""
