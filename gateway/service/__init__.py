"""Composition root: from settings to running objects, and back down in good order."""
