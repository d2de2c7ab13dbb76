"""Code as handler authors write it, which mypy must accept as strictly as the engine's own.

Nothing here runs: `make types` reads it. `assert_type` says what a type must be, no wider.
"""
