"""The routes, a module for each noun: what is taken, what is shown, what is done."""
