"""What each operation answers, one module per API: state, and rules over it; no HTTP.

Rules follow Amazon's reference pages and public models of August 2026. Every API takes its clock,
so what changes with time is tried out by moving it.
"""
