"""The room that remembers: append-only facts, message batches, indexes and keys."""
