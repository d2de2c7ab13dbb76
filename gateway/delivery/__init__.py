"""From a pending delivery to an attempt at a customer's URL: guard, signature, POST, verdict."""
