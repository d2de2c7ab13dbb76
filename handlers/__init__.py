"""Bundled handlers: one module per notification type or job; they import only the façade."""
