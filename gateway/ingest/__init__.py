"""From messages to notifications: receive, understand, commit, and only then delete."""
