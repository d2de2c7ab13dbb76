"""Backups of a running database: one moment of it in one file, checked, with a manifest."""
