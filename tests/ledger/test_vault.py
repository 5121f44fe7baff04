"""The vault: numbers cannot be looked up without the key, and no secret shows itself."""

from __future__ import annotations

import base64
import hmac
import io
import stat
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from qingjing.kernel.words import Phone
from qingjing.ledger import vault
from qingjing.ledger.vault import ENVIRONMENT_VARIABLE, KeyFile, Vault, VaultError

NAME = "log.example.cn/qingjing"
KEYS = KeyFile.generate(NAME)
VAULT = Vault(KEYS)
ROTATED = Vault(KEYS.rotated())
PHONE = Phone(13800138000)

phones = st.integers(13_000_000_000, 19_999_999_999).map(Phone)


def secrets_of(keys: KeyFile) -> list[bytes]:
    """Every secret of a key file."""
    return [keys.index_key, keys.handle_key, keys.signing_seed, *keys.data_keys.values()]


def test_a_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600 from its first moment, and what is in it is read back."""
    path = tmp_path / "keys.toml"

    made = vault.create(path, NAME)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert vault.load(path) == made
    assert [child.name for child in tmp_path.iterdir()] == ["keys.toml"]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """A second creation fails and leaves the first file as it was."""
    path = tmp_path / "keys.toml"
    made = vault.create(path, NAME)

    with pytest.raises(VaultError, match=r"File exists; .*never overwritten"):
        vault.create(path, NAME)

    assert vault.load(path) == made


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Group or world may neither read nor write it; the error gives the command."""
    path = tmp_path / "keys.toml"
    vault.create(path, NAME)
    path.chmod(mode)

    with pytest.raises(VaultError, match=rf"mode {mode:04o}.*run `chmod 600 ") as told:
        vault.load(path)

    assert "open to others" in told.value.problem
    assert told.value.remedy.startswith("run `chmod 600")


def test_a_missing_or_unreadable_key_file_says_what_to_do(tmp_path: Path) -> None:
    """No file, a folder in its place, a missing folder, bytes that are no text."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff")
    binary.chmod(0o600)

    with pytest.raises(VaultError, match="restore it from its backup"):
        vault.load(tmp_path / "none.toml")
    with pytest.raises(VaultError, match=r"cannot be read: Is a directory; check the path"):
        vault.load(tmp_path)
    with pytest.raises(VaultError, match=r"cannot be written: No such file .*; check the path"):
        vault.create(tmp_path / "none" / "keys.toml", NAME)
    with pytest.raises(VaultError, match="cannot be read: not UTF-8"):
        vault.load(binary)


def test_rotating_adds_a_key_and_keeps_the_rest(tmp_path: Path) -> None:
    """A new current data key; index, handle and signing keys and the old data key stay."""
    path = tmp_path / "keys.toml"
    made = vault.create(path, NAME)
    (tmp_path / ".keys.toml.new").write_text("left by a crash")

    turned = vault.rotate(path)

    assert vault.load(path) == turned
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in tmp_path.iterdir()] == ["keys.toml"]
    assert (turned.current, set(turned.data_keys)) == (2, {1, 2})
    assert turned.data_keys[1] == made.data_keys[1] != turned.data_keys[2]
    same = msgspec.structs.replace(turned, data_keys=made.data_keys, current=made.current)
    assert same == made


def test_keys_can_come_from_the_environment() -> None:
    """The variable holds the text of a key file; without it the error names it."""
    assert vault.from_environment({ENVIRONMENT_VARIABLE: KEYS.text()}) == KEYS
    for environment in ({}, {ENVIRONMENT_VARIABLE: ""}):
        with pytest.raises(VaultError, match="QINGJING_KEYS is not set; set it to"):
            vault.from_environment(environment)
    with pytest.raises(VaultError, match="KEYS: not TOML, at line 1, column 1; restore"):
        vault.from_environment({ENVIRONMENT_VARIABLE: "= 1\n"})


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("format = 1", "format = 2", "format"),
        ("[index]", "[indices]", "indices"),
        ('[handle]\nkey = "', '[handle]\nkey = "?', "handle"),
        ('[handle]\nkey = "', '[handle]\nkey = "AAAA', "handle key has 19 bytes instead of 16"),
        ('1 = "', '1 = "AAAA', "data 1 key has 67 bytes instead of 64"),
        ('1 = "', 'one = "', "data.keys"),
        ('1 = "', '0 = "', "data key 1 is named current but is not there"),
        ("current = 1", "current = 2", "data key 2 is named current but is not there"),
        ('current = 1\n\n[data.keys]\n1 = "', 'current = 0\n\n[data.keys]\n0 = "', "from 1 to"),
        (NAME, "a name", "holds a space or a plus"),
        (NAME, "", "is empty"),
    ],
)
def test_a_damaged_key_file_is_refused_without_showing_a_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """The error names file, field and remedy; no part of a secret stands in it."""
    path = tmp_path / "keys.toml"
    vault.create(path, NAME)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(VaultError, match=complaint) as told:
        vault.load(path)

    assert str(path) in told.value.problem
    assert told.value.remedy == "restore the key file from its backup"
    for line in text.splitlines():
        if "key" not in line and len(line) > 20 and '"' in line:
            assert line.split('"')[1][:8] not in str(told.value)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_every_key_file_is_read_back(key: bytes, data_key: bytes) -> None:
    """Whatever the bytes of its keys, the text gives the key file again."""
    keys = KeyFile('a"\\b', key, key[:16], key, {1: data_key, 65535: data_key}, 65535)

    assert KeyFile.parse(keys.text()) == keys


def test_no_secret_shows_in_what_is_printed() -> None:
    """repr, str and rich, which prints locals in tracebacks, show the name alone."""
    out = io.StringIO()
    Console(file=out, width=10_000).print(KEYS, VAULT, {"keys": [KEYS, VAULT]})
    shown = out.getvalue() + f"{KEYS!r} {KEYS} {VAULT!r} {VAULT}"

    assert NAME in shown
    for secret in secrets_of(KEYS):
        for form in (repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode()):
            assert form not in shown


@given(phones)
def test_a_person_key_is_the_hmac_of_the_digits(phone: Phone) -> None:
    """RFC 2104 over the eleven digits, cut to 16 bytes, alone and in a batch."""
    expected = hmac.digest(KEYS.index_key, phone.digits.encode(), "sha256")[:16]

    assert VAULT.person_key(phone) == expected
    assert VAULT.person_keys([phone, PHONE]) == [expected, VAULT.person_key(PHONE)]


def test_person_keys_outlive_a_rotation_and_differ_by_ledger() -> None:
    """Rotating data keys loses no refusal; another ledger's keys find nobody here."""
    other = Vault(KeyFile.generate(NAME))

    assert ROTATED.person_key(PHONE) == VAULT.person_key(PHONE)
    assert other.person_key(PHONE) != VAULT.person_key(PHONE)
    assert ROTATED.identity == VAULT.identity != other.identity
    assert (len(VAULT.identity), VAULT.handle_key) == (8, KEYS.handle_key)


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_is_sealed_can_be_opened(plain: bytes, context: bytes) -> None:
    """Any data, even none, under any context; 19 bytes longer, and not to be read."""
    sealed = VAULT.seal(plain, context)

    assert VAULT.open(sealed, context) == plain
    assert len(sealed) == len(plain) + 19
    assert len(plain) < 8 or plain not in sealed


@given(st.binary(max_size=40), st.binary(max_size=8), st.data())
def test_any_changed_byte_of_sealed_data_is_noticed(
    plain: bytes, context: bytes, data: st.DataObject
) -> None:
    """One bit of the sealed bytes or of the context, or a cut: VaultError."""
    sealed = bytearray(ROTATED.seal(plain, context))
    cut = data.draw(st.integers(0, len(sealed) - 1))
    sealed[cut] ^= 1 << data.draw(st.integers(0, 7))

    for changed, under in (
        (bytes(sealed), context),
        (ROTATED.seal(plain, context)[:cut], context),
        (ROTATED.seal(plain, context), context + b"x"),
    ):
        with pytest.raises(VaultError):
            ROTATED.open(changed, under)


def test_data_under_an_old_key_are_read_and_resealed() -> None:
    """After a rotation old data open; resealed they are under the new key, once."""
    sealed = VAULT.seal(b"body", b"row 1")

    again = ROTATED.resealed(sealed, b"row 1")

    assert ROTATED.open(sealed, b"row 1") == b"body"
    assert (sealed[:2], again[:2]) == (b"\x00\x01", b"\x00\x02")
    assert ROTATED.open(again, b"row 1") == b"body"
    assert ROTATED.resealed(again, b"row 1") is again
    with pytest.raises(VaultError, match="data key 2, which is not in the key file; restore"):
        VAULT.open(again, b"row 1")


def test_data_cannot_be_passed_from_one_key_to_another() -> None:
    """The key's number is authenticated: two equal keys do not make one another's data."""
    twice = msgspec.structs.replace(
        KEYS, data_keys={1: KEYS.data_keys[1], 2: KEYS.data_keys[1]}
    )
    sealed = VAULT.seal(b"body", b"row 1")

    with pytest.raises(VaultError, match="were changed"):
        Vault(twice).open(b"\x00\x02" + sealed[2:], b"row 1")


def test_a_sealed_value_of_a_later_layout_is_refused() -> None:
    """A first byte that this version does not know is not taken for data."""
    cipher = AESSIV(KEYS.data_keys[1])
    later = b"\x00\x01" + cipher.encrypt(b"\x01body", [b"\x00\x01", b"row 1"])

    with pytest.raises(VaultError, match="were changed"):
        VAULT.open(later, b"row 1")


@given(phones)
def test_a_phone_is_sealed_and_opened(phone: Phone) -> None:
    """In 24 bytes, and back to the same number, which still masks itself."""
    sealed = VAULT.seal_phone(phone, b"row 1")

    opened = VAULT.open_phone(sealed, b"row 1")

    assert len(sealed) == 24
    assert opened == phone
    assert phone.digits not in repr(opened)
    with pytest.raises(VaultError):
        VAULT.open(sealed, b"row 1")
    with pytest.raises(VaultError):
        VAULT.open_phone(sealed, b"row 2")


@given(st.binary(max_size=100))
def test_signatures_hold_for_the_signed_message_alone(message: bytes) -> None:
    """The public key verifies the message; another message, key or signature fails."""
    signature = VAULT.sign(message)
    other = Vault(KeyFile.generate(NAME)).public_key

    assert len(signature) == 64
    assert vault.verify(VAULT.public_key, signature, message)
    assert ROTATED.public_key == VAULT.public_key == VAULT.key.public_key
    assert not vault.verify(VAULT.public_key, signature, message + b"x")
    assert not vault.verify(other, signature, message)
    assert not vault.verify(VAULT.public_key, signature[:-1], message)
    assert not vault.verify(VAULT.public_key[:-1], signature, message)
