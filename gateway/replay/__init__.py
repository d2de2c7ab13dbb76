"""What was missed, done once more: handlers run again, events sent again, bodies put in by hand."""
