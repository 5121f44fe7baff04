"""The room that opens: gateway, command line, feeds and clock."""
