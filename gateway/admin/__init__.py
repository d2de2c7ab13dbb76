"""The HTTP port for operators and orchestrators."""
