"""What every fact is."""

from __future__ import annotations

import msgspec


class Fact(msgspec.Struct, frozen=True, tag_field="kind"):
    """What all facts share: they never change, and say in ``kind`` what they are."""
