"""One run: from assets to files, and what is remembered and told of it."""
