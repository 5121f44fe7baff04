"""The person's pages: see what is held, withdraw, refuse."""
