"""The room that acts: one file a verb, one verb a transaction."""
