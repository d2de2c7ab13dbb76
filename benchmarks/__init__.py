"""Measurements: ratios against a named floor in one run, in CPU time of the measured process."""
