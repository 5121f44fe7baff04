"""The room that reads: what a message says and what a reply means."""
