"""Generators of PDUs, derived from the same tables that write and read them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from qingjing.wire.fields import (
    Absent,
    Content,
    Count,
    CText,
    Field,
    Raw,
    Records,
    Text,
    TextList,
    Tlvs,
    Uint,
)
from qingjing.wire.layout import Table
from qingjing.wire.tlv import Tlv

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
        case Content(most=most):
            return st.binary(max_size=255 if most is None else min(most, 255))
        case CText(most=most):
            return st.text(_LETTERS, max_size=most - 1)
        case Records():
            return st.lists(records(field), min_size=field.least, max_size=3).map(tuple)
        case Tlvs(written=written):
            return st.lists(tlvs(), max_size=3 if written else 0).map(tuple)
        case Count() | Absent():
            return st.just(default)


def records(field: Records) -> st.SearchStrategy[Any]:
    """Records of any kind that the field allows."""
    return st.one_of(
        [
            st.builds(kind, *(values(part, None) for part in parts))
            for kind, parts in field.kinds
        ]
    )


def tlvs() -> st.SearchStrategy[Tlv]:
    """Optional parameters, most of them unknown."""
    return st.builds(Tlv, st.integers(0, 0xFFFF), st.binary(max_size=20))


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
