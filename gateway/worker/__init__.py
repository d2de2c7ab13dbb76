"""The loop that every stage runs, and what starts, wakes and stops it."""
