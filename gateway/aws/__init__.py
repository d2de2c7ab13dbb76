"""Everything that speaks to Amazon Web Services: queues, their transports, and credentials."""
