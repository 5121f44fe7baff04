"""How the reader's model is taught and measured; nothing here takes part in a reading."""
