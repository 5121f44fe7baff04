"""The room that speaks: carrier protocols as field tables and sessions without I/O."""
