"""A local Selling Partner API: tokens, usage plans, operations and faults over HTTP.

Rules follow Amazon's pages "Connect to the Selling Partner API", "Usage Plans and Rate Limits" and
"Sandbox" and the public models; only `api` and `lwa` know HTTP.
"""
