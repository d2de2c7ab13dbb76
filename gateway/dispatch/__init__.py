"""From handlings to events: which handlers a notification is owed to, and running them."""
