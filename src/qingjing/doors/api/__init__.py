"""The HTTP API: the same gate, consents and register for those who do not speak CMPP."""
