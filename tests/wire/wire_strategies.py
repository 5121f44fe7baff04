"""Generators of PDUs, derived from the same tables that write and read them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from qingjing.wire.fields import Absent, Content, Count, Field, Raw, Text, TextList, Uint
from qingjing.wire.layout import Table

# What padding and stripping leave as it is: printable ASCII without a space at either end.
_LETTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def texts(size: int) -> st.SearchStrategy[str]:
    """Texts that fit a padded field and come back the same."""
    return st.text(_LETTERS, max_size=size).map(lambda text: text.strip(" "))


def values(field: Field, default: object) -> st.SearchStrategy[Any]:
    """Values of one field; one that the version lacks keeps its default."""
    match field:
        case Uint():
            return st.integers(0, 256**field.size - 1)
        case Text():
            return texts(field.size)
        case Raw():
            return st.binary(min_size=field.size, max_size=field.size)
        case TextList():
            few = st.lists(texts(field.size), min_size=1, max_size=3)
            many = st.lists(texts(field.size), min_size=field.most, max_size=field.most)
            return st.one_of(few, few, few, many).map(tuple)
        case Content():
            return st.binary(max_size=255)
        case Count() | Absent():
            return st.just(default)


def pdus(table: Table[Any]) -> st.SearchStrategy[Any]:
    """PDUs of one table."""
    defaults = table.pdu._field_defaults
    return st.builds(
        table.pdu,
        **{
            field.name: values(field, defaults.get(field.name))
            for field in table.fields
            if not isinstance(field, Count)
        },
    )
