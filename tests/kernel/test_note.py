"""Checkpoints: the public format byte for byte, and nothing that is nearly it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.note import (
    NOTE_BYTES_MAX,
    Checkpoint,
    Key,
    Note,
    NoteError,
    SignatureKind,
    SignatureLine,
    Signed,
    check,
    cosign,
    parse_checkpoint,
    parse_note,
    sign,
)
from qingjing.ledger.vault import KeyFile, Vault, verify

ROOT_TEXT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
CHECKPOINT = Checkpoint("log.example/qingjing", 20852163, base64.b64decode(ROOT_TEXT))
TEXT = f"log.example/qingjing\n20852163\n{ROOT_TEXT}\n"

LOG = Vault(KeyFile.generate("log.example/qingjing"))
CENTRE = Vault(KeyFile.generate("centre.example/witness"))
WITNESS = Key("centre.example/witness", CENTRE.public_key, SignatureKind.COSIGNATURE)
AT_S = 1_679_315_147

# The example of the Go package golang.org/x/mod/sumdb/note, whose format C2SP describes.
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""  # noqa: E501 - the line's length is the format's

names = st.text(
    st.characters(exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1
)
lines = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30)
checkpoints = st.builds(
    Checkpoint,
    lines,
    st.integers(0, (1 << 64) - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(lines, max_size=3).map(tuple),
)


def signed_note() -> Note:
    """A checkpoint signed by the log and countersigned by the centre."""
    note = Note(TEXT, (sign(TEXT, LOG.key, LOG.sign),))
    return note.signed(cosign(TEXT, WITNESS, AT_S, CENTRE.sign))


def test_a_checkpoint_is_three_lines_of_text() -> None:
    """Origin, decimal size and base64 root, as in the example of C2SP tlog-checkpoint."""
    assert CHECKPOINT.text() == TEXT
    assert parse_checkpoint(TEXT) == CHECKPOINT


@given(checkpoints)
def test_every_checkpoint_is_read_back(checkpoint: Checkpoint) -> None:
    """Any origin, size, root and extension lines come back as they were."""
    assert parse_checkpoint(checkpoint.text()) == checkpoint


def test_the_published_example_of_a_signed_note_verifies() -> None:
    """A note and key that Go's package publishes are read, verified and written alike."""
    key = Key.parse(NEUMANN_KEY)
    note = parse_note(NEUMANN_NOTE.encode())

    assert key.text() == NEUMANN_KEY
    assert key.id.hex() == "c74f20a3"
    assert check(note, [key], verify) == (Signed(key),)
    assert note.encode() == NEUMANN_NOTE.encode()


def test_a_checkpoint_is_signed_and_countersigned() -> None:
    """Log and witness both stand under it, the witness with the time of its word."""
    note = parse_note(signed_note().encode())

    found = check(note, [LOG.key, WITNESS], verify)

    assert found == (Signed(LOG.key), Signed(WITNESS, AT_S))
    assert parse_checkpoint(note.text) == CHECKPOINT


def test_a_cosignature_covers_its_time_and_the_whole_text() -> None:
    """The message is two header lines and the text (C2SP tlog-cosignature, Ed25519)."""
    line = cosign(TEXT, WITNESS, AT_S, CENTRE.sign)

    message = f"cosignature/v1\ntime {AT_S}\n{TEXT}".encode()
    assert int.from_bytes(line.signature[:8], "big") == AT_S
    assert verify(CENTRE.public_key, line.signature[8:], message)


def test_one_key_has_two_ids_for_its_two_ways_of_signing() -> None:
    """The type byte is in the id, so a witness's word cannot be taken for an author's."""
    plain = Key(WITNESS.name, WITNESS.public_key)

    assert plain.id != WITNESS.id
    with pytest.raises(NoteError, match="no known key"):
        check(Note(TEXT, (cosign(TEXT, WITNESS, AT_S, CENTRE.sign),)), [plain], verify)


def test_each_kind_of_key_signs_in_its_own_way_only() -> None:
    """Signing with a witness's key, or countersigning with a log's, is refused."""
    with pytest.raises(NoteError, match="countersigns with `cosign`"):
        sign(TEXT, WITNESS, CENTRE.sign)
    with pytest.raises(NoteError, match="signs with `sign`"):
        cosign(TEXT, LOG.key, AT_S, LOG.sign)


def test_a_witness_countersigns_checkpoints_alone() -> None:
    """A text that is no checkpoint gets no cosignature."""
    with pytest.raises(NoteError, match="line 1"):
        cosign("anything\n", WITNESS, AT_S, CENTRE.sign)


def test_unknown_signatures_are_kept_and_passed_over() -> None:
    """A line by a key that we do not know neither helps nor harms, and is not lost."""
    stranger = SignatureLine(LOG.key.name, b"\x00\x01\x02\x03", b"of another kind")
    data = signed_note().signed(stranger).encode()

    note = parse_note(data)

    assert note.encode() == data
    assert check(note, [LOG.key], verify) == (Signed(LOG.key),)


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    """A note proves nothing to one who knows none of its keys."""
    with pytest.raises(NoteError, match="no known key signed") as told:
        check(signed_note(), [], verify)

    assert told.value.line == 0


def test_a_signature_repeated_counts_once() -> None:
    """Two lines by one witness are one witness: a quorum cannot be made up of copies."""
    note = signed_note()

    assert check(note.signed(note.signatures[1]), [WITNESS], verify) == (Signed(WITNESS, AT_S),)


@given(st.integers(0, 1), st.data())
def test_any_changed_byte_of_a_known_signature_breaks_the_note(
    which: int, data: st.DataObject
) -> None:
    """One bit of signature or timestamp turned over: NoteError names that line."""
    note = signed_note()
    line = note.signatures[which]
    at = data.draw(st.integers(0, len(line.signature) - 1))
    bent = bytearray(line.signature)
    bent[at] ^= 1 << data.draw(st.integers(0, 7))
    signatures = list(note.signatures)
    signatures[which] = SignatureLine(line.name, line.key_id, bytes(bent))

    with pytest.raises(NoteError, match=r"does not fit the text") as told:
        check(Note(TEXT, tuple(signatures)), [LOG.key, WITNESS], verify)

    assert told.value.line == 5 + which


def test_a_signature_of_another_length_does_not_hold() -> None:
    """Short or long by a byte, or empty, it fails before the cryptography is asked."""
    for line, key in zip(signed_note().signatures, (LOG.key, WITNESS), strict=True):
        for other in (line.signature[:-1], line.signature + b"\x00", b""):
            note = Note(TEXT, (SignatureLine(line.name, line.key_id, other),))
            with pytest.raises(NoteError, match="does not fit"):
                check(note, [key], lambda *_: True)


def test_another_text_under_the_same_signatures_is_refused() -> None:
    """A log of another size cannot borrow the signatures."""
    other = TEXT.replace("20852163", "20852164")

    with pytest.raises(NoteError, match="line 5"):
        check(Note(other, signed_note().signatures), [LOG.key], verify)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("origin", 1),
        ("\n", 1),
        ("origin\n1\n", 2),
        (f"\n1\n{ROOT_TEXT}\n", 1),
        (f"origin\n01\n{ROOT_TEXT}\n", 2),
        (f"origin\n+1\n{ROOT_TEXT}\n", 2),
        (f"origin\n-1\n{ROOT_TEXT}\n", 2),
        (f"origin\n١\n{ROOT_TEXT}\n", 2),
        (f"origin\n18446744073709551616\n{ROOT_TEXT}\n", 2),
        (f"origin\n{'9' * 5000}\n{ROOT_TEXT}\n", 2),
        ("origin\n1\nnot base64\n", 3),
        ("origin\n1\né\n", 3),
        ("origin\n1\nAAAA\n", 3),
        (f"origin\n1\n{ROOT_TEXT[:-2]}J=\n", 3),
        (f"origin\n1\n{ROOT_TEXT}", 3),
        (f"origin\n1\n{ROOT_TEXT}\n\n", 4),
        (f"origin\n1\n{ROOT_TEXT}\n\nmore\n", 4),
        (f"origin\r\n1\n{ROOT_TEXT}\n", 1),
        (f"origin\n1\n{ROOT_TEXT}\na\tb\n", 4),
    ],
)
def test_a_malformed_checkpoint_names_its_line(text: str, line: int) -> None:
    """Nothing but the one canonical form is read, and the fault is placed."""
    with pytest.raises(NoteError) as told:
        parse_checkpoint(text)

    assert told.value.line == line


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"text\n", 2),
        (b"text\n\n", 3),
        (b"\n\n\xe2\x80\x94 a AAAAAAA=\n", 4),
        (b"text\n\n\xe2\x80\x94 a AAAAAAA=", 3),
        (b"text\n\n- a AAAAAAA=\n", 3),
        (b"text\n\n\xe2\x80\x94 a+b AAAAAAA=\n", 3),
        (b"text\n\n\xe2\x80\x94  AAAAAAA=\n", 3),
        (b"text\n\n\xe2\x80\x94 a\n", 3),
        (b"text\n\n\xe2\x80\x94 a AAAA\n", 3),
        (b"text\n\n\xe2\x80\x94 a AAAAAA\n", 3),
        (b"text\n\n\xe2\x80\x94 a AAAAAAA= \n", 3),
        (b"text\n\n\xe2\x80\x94 a AAAAAAA=\nmore\n", 4),
        (b"a\nb\n\xff\n\n\xe2\x80\x94 a AAAAAAA=\n", 3),
        (b"a\nb\x00\n\n\xe2\x80\x94 a AAAAAAA=\n", 2),
        (b"text\n\n" + b"\xe2\x80\x94 a AAAAAAA=\n" * 101, 103),
        (b"a" * (NOTE_BYTES_MAX + 1), 0),
    ],
)
def test_a_malformed_note_names_its_line(data: bytes, line: int) -> None:
    """Whatever is not text, blank line and signatures is refused, and the fault is placed."""
    with pytest.raises(NoteError) as told:
        parse_note(data)

    assert told.value.line == line


def test_a_text_may_hold_empty_lines() -> None:
    """The last empty line parts text and signatures, so the text may hold others."""
    note = Note("one\n\ntwo\n", (SignatureLine("a", b"key!", b"signature"),))

    assert parse_note(note.encode()) == note


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_an_error(data: bytes) -> None:
    """Garbage raises NoteError and nothing else; what is read is written as it was."""
    try:
        note = parse_note(b"text\n\n\xe2\x80\x94 " + data)
    except NoteError:
        return

    assert note.encode() == b"text\n\n\xe2\x80\x94 " + data


def test_what_could_not_be_read_back_is_not_written() -> None:
    """An origin with a newline, a name with a space, a text without its end: NoteError."""
    line = SignatureLine("a", b"key!", b"signature")

    for note in (
        Note("no end", (line,)),
        Note("text\n", ()),
        Note("text\n", (SignatureLine("a b", b"key!", b"signature"),)),
        Note("text\n", (SignatureLine("a", b"k", b"ey and more"),)),
    ):
        with pytest.raises(NoteError):
            note.encode()
    with pytest.raises(NoteError):
        Checkpoint("two\nlines", 1, bytes(32)).text()
    with pytest.raises(NoteError):
        Checkpoint("origin", 1, bytes(32), ("two\nlines",)).text()


@given(names, st.binary(min_size=32, max_size=32), st.sampled_from(SignatureKind))
def test_every_key_is_read_back(name: str, public_key: bytes, kind: SignatureKind) -> None:
    """A key's published text gives the key again."""
    key = Key(name, public_key, kind)

    assert Key.parse(key.text()) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        NEUMANN_KEY.replace("c74f20a3", "c74f20a4"),
        NEUMANN_KEY.replace("c74f20a3", "C74F20A3"),
        NEUMANN_KEY.replace("Peter", "Paul"),
        NEUMANN_KEY.replace("+ARpc", "+AhpC"),
        NEUMANN_KEY[:-4],
        NEUMANN_KEY + "\n",
        "a b+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_malformed_key_is_refused(text: str) -> None:
    """Another id, name, type or length than the key's own raises NoteError."""
    with pytest.raises(NoteError):
        Key.parse(text)
