"""The ledger's secrets: how people are looked up, sealed and vouched for.

Four keys, four jobs, one file:

* the **index key** turns a phone number into a person's key in every table. Phone numbers are
  only eleven digits: a plain hash of them can be enumerated in minutes, so the secret is the
  whole protection. It is fixed for a ledger's life. Under another key no refusal on record
  would be found again, and people who said stop would be written to;
* the **handle key** does the same for the 64-bit handles of the in-memory standing index;
* the **data keys** seal personal data with AES-SIV (RFC 5297). They rotate: each sealed value
  begins with the number of its key, and old keys stay for reading;
* the **signing key** (Ed25519, RFC 8032) signs checkpoints.

Lose the file and the sealed data are lost with it: back it up apart from the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from qingjing.kernel.note import Key, NoteError
from qingjing.kernel.words import Phone

ENVIRONMENT_VARIABLE: Final = "QINGJING_KEYS"
"""Holds the *text* of a key file, where a platform hands secrets over that way."""

PERSON_KEY_SIZE: Final = 16
"""128 bits: two of a billion people collide with a chance below 1e-20."""

DATA_KEYS_MAX: Final = 0xFFFF
"""A sealed value names its key in two bytes: a key a day for 179 years."""

_INDEX_SIZE: Final = 32
_HANDLE_SIZE: Final = 16
_DATA_SIZE: Final = 64  # AES-256 in SIV mode takes two keys of 32 bytes, RFC 5297 section 2.2
_SEED_SIZE: Final = 32
_PREFIX_SIZE: Final = 2
_PHONE_SIZE: Final = 5  # eleven digits from 13 to 19 are below 2**40
_BLOCK_SIZE: Final = 64  # SHA-256, for HMAC

# OpenSSL before 3.5 refuses to seal nothing at all, and a message body may be empty, so this
# byte goes before every plain text. Another value can announce another layout one day.
_PLAIN: Final = b"\x00"

_HEAD: Final = """\
# Keys of a Qingjing ledger. Whoever reads this file can read every phone number and sign in
# the ledger's name. Keep it at mode 0600 and back it up apart from the ledger.
# The index and handle keys must never change; data keys may rotate.
format = 1
"""


class VaultError(Exception):
    """Keys or sealed data that cannot be used. Says what to do, and never shows a secret."""

    def __init__(self, problem: str, remedy: str) -> None:
        """``remedy`` is what an operator can do about it."""
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class _Secret(msgspec.Struct, forbid_unknown_fields=True):
    """The parts ``[index]`` and ``[handle]``."""

    key: bytes


class _Signing(_Secret):
    """The part ``[signing]``."""

    name: str


class _Data(msgspec.Struct, forbid_unknown_fields=True):
    """The part ``[data]``."""

    current: int
    keys: dict[int, bytes]


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """The file's parts, as they stand in it; keys are base64."""

    format: Literal[1]
    index: _Secret
    handle: _Secret
    signing: _Signing
    data: _Data


class KeyFile(msgspec.Struct, frozen=True):
    """The secrets of one ledger. A value: ``rotated`` gives another."""

    name: str
    index_key: bytes
    handle_key: bytes
    signing_seed: bytes
    data_keys: dict[int, bytes]
    current: int

    def __post_init__(self) -> None:
        """VaultError when a key is missing or of the wrong length."""
        sizes = (
            ("index", self.index_key, _INDEX_SIZE),
            ("handle", self.handle_key, _HANDLE_SIZE),
            ("signing", self.signing_seed, _SEED_SIZE),
            *((f"data {at}", key, _DATA_SIZE) for at, key in self.data_keys.items()),
        )
        for what, key, size in sizes:
            if len(key) != size:
                raise _unusable(f"the {what} key has {len(key)} bytes instead of {size}")
        if self.current not in self.data_keys:
            raise _unusable(f"data key {self.current} is named current but is not there")
        if not all(0 < at <= DATA_KEYS_MAX for at in self.data_keys):
            raise _unusable(f"data keys are numbered from 1 to {DATA_KEYS_MAX}")
        try:
            Key(self.name, bytes(_SEED_SIZE))
        except NoteError as error:
            raise _unusable(str(error)) from None

    def __repr__(self) -> str:
        return f"KeyFile(name={self.name!r}, keys hidden)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # msgspec's own lists every field, and rich's tracebacks print what it lists.
        return [("name", self.name)]

    @classmethod
    def generate(cls, name: str) -> Self:
        """New keys from the system's randomness. ``name`` goes under checkpoints.

        A schema-less URL that the operator owns, such as ``log.example.cn/qingjing``, without
        space or plus (C2SP ``signed-note``).
        """
        return cls(
            name=name,
            index_key=secrets.token_bytes(_INDEX_SIZE),
            handle_key=secrets.token_bytes(_HANDLE_SIZE),
            signing_seed=secrets.token_bytes(_SEED_SIZE),
            data_keys={1: secrets.token_bytes(_DATA_SIZE)},
            current=1,
        )

    def rotated(self) -> Self:
        """The same keys with a new current data key; the old ones stay for reading."""
        latest = max(self.data_keys) + 1
        keys = self.data_keys | {latest: secrets.token_bytes(_DATA_SIZE)}
        return msgspec.structs.replace(self, data_keys=keys, current=latest)

    def text(self) -> str:
        """The TOML text, secrets and all: for the key file and for nothing else."""

        def quoted(value: str | bytes) -> str:
            # A JSON string is a TOML string too; msgspec writes bytes as base64.
            return msgspec.json.encode(value).decode()

        keys = "".join(f"{at} = {quoted(key)}\n" for at, key in self.data_keys.items())
        return (
            f"{_HEAD}\n[index]\nkey = {quoted(self.index_key)}\n"
            f"\n[handle]\nkey = {quoted(self.handle_key)}\n"
            f"\n[signing]\nname = {quoted(self.name)}\nkey = {quoted(self.signing_seed)}\n"
            f"\n[data]\ncurrent = {self.current}\n\n[data.keys]\n{keys}"
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``text`` wrote; VaultError names the field at fault."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            # Only the place: the parser's own words may quote from the line.
            where = str(error).rpartition("(at ")[2].removesuffix(")")
            raise _unusable(f"not TOML, at {where}") from None
        try:
            form = msgspec.convert(table, _Form, str_keys=True)
        except msgspec.ValidationError as error:
            raise _unusable(str(error)) from None  # it names field and type, never the value
        return cls(
            name=form.signing.name,
            index_key=form.index.key,
            handle_key=form.handle.key,
            signing_seed=form.signing.key,
            data_keys=form.data.keys,
            current=form.data.current,
        )


def create(path: Path, name: str) -> KeyFile:
    """Generate keys into a new file, readable by its owner alone (mode 0600).

    VaultError when the file is there: keys are never overwritten.
    """
    keys = KeyFile.generate(name)
    _write(path, path, keys.text())
    return keys


def load(path: Path) -> KeyFile:
    """Read a key file; VaultError when anyone but its owner could read or change it."""
    try:
        with path.open(encoding="utf-8") as file:
            # Asked of the open file, so that it cannot be exchanged after the question.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read()
    except FileNotFoundError:
        raise VaultError(
            f"key file {path} is missing",
            "restore it from its backup; create a new one only for a new ledger",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise VaultError(f"key file {path} cannot be read: {reason}", _CHECK) from None
    if mode & 0o077:
        raise VaultError(
            f"key file {path} is open to others (mode {mode:04o})",
            f"run `chmod 600 {path}`, and replace the keys if others may have read them",
        )
    return _parsed(text, f"key file {path}")


def from_environment(environment: Mapping[str, str]) -> KeyFile:
    """Read a key file's text from ``QINGJING_KEYS``, for platforms that hand secrets so."""
    text = environment.get(ENVIRONMENT_VARIABLE)
    if not text:
        raise VaultError(
            f"environment variable {ENVIRONMENT_VARIABLE} is not set",
            "set it to the text of a key file, or name a key file in the settings",
        )
    return _parsed(text, f"environment variable {ENVIRONMENT_VARIABLE}")


def rotate(path: Path) -> KeyFile:
    """Add a new current data key to a key file, in one step that a crash cannot halve.

    A running process cannot open what is sealed under the new key: restart all of them. What
    they sealed under the old one stays readable. VaultError as for ``load``.
    """
    keys = load(path).rotated()
    beside = path.with_name(f".{path.name}.new")
    _write(path, beside, keys.text())
    return keys


class Vault:
    """Looks people up, seals and opens, signs: the key file at work.

    ``key`` verifies this ledger's checkpoints (``key.text()`` publishes it), ``public_key`` is
    its 32 bytes. ``handle_key`` is the 16-byte secret of the standing index's handles.
    ``identity``, 8 bytes, tells index keys apart and may be shown: a ledger stores it when it
    is made and must refuse a vault with another, which would find no refusal on record.
    """

    def __init__(self, keys: KeyFile) -> None:
        """Prepare the ciphers; nothing is read or written."""
        self._data = {at: AESSIV(key) for at, key in keys.data_keys.items()}
        self._current = keys.current
        self._signing = ed25519.Ed25519PrivateKey.from_private_bytes(keys.signing_seed)
        self.handle_key = keys.handle_key
        # HMAC's first block of either hashing is the key's alone (RFC 2104 section 2): hashed
        # once here, it leaves half the work a number.
        block = keys.index_key.ljust(_BLOCK_SIZE, b"\x00")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        self.key = Key(keys.name, self._signing.public_key().public_bytes_raw())
        self.public_key = self.key.public_key
        self.identity = hmac.digest(keys.index_key, b"qingjing ledger identity", "sha256")[:8]

    def __repr__(self) -> str:
        return f"Vault({self.key.name!r}, keys hidden)"

    def person_key(self, phone: Phone) -> bytes:
        """How tables know a person: HMAC-SHA256 of the eleven digits, cut to 16 bytes."""
        return self.person_keys((phone,))[0]

    def person_keys(self, phones: Iterable[Phone]) -> list[bytes]:
        """``person_key`` of many numbers, in their order."""
        found, inner_copy, outer_copy = [], self._inner.copy, self._outer.copy
        for phone in phones:
            inner, outer = inner_copy(), outer_copy()
            inner.update(b"%d" % phone)
            outer.update(inner.digest())
            found.append(outer.digest()[:PERSON_KEY_SIZE])
        return found

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt under the current data key; 19 bytes longer: key number 2, SIV 16, layout 1.

        ``context`` says what and whose the data are, such as table and row, and must be given
        again to open them, so that a sealed value cannot be moved elsewhere. SIV needs no
        nonce: equal data under an equal context seal alike, and nothing else is given away.
        """
        prefix = self._current.to_bytes(_PREFIX_SIZE, "big")
        return prefix + self._data[self._current].encrypt(_PLAIN + plain, [prefix, context])

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what ``seal`` made under this context, by whichever key it names.

        VaultError when the key is not in the file, or data or context were changed.
        """
        prefix = sealed[:_PREFIX_SIZE]
        number = int.from_bytes(prefix, "big")
        cipher = self._data.get(number)
        if cipher is None:
            raise VaultError(
                f"sealed under data key {number}, which is not in the key file",
                "restore the key file that holds it",
            )
        try:
            plain = cipher.decrypt(sealed[_PREFIX_SIZE:], [prefix, context])
        except (InvalidTag, ValueError):
            raise _damaged() from None
        if plain[:1] != _PLAIN:
            raise _damaged()
        return plain[1:]

    def resealed(self, sealed: bytes, context: bytes) -> bytes:
        """The same data under the current key; as it is when it is under that already."""
        if int.from_bytes(sealed[:_PREFIX_SIZE], "big") == self._current:
            return sealed
        return self.seal(self.open(sealed, context), context)

    def seal_phone(self, phone: Phone, context: bytes) -> bytes:
        """Seal a number in 24 bytes; a value sealed as data does not open as a phone."""
        return self.seal(int(phone).to_bytes(_PHONE_SIZE, "big"), _PHONE_CONTEXT + context)

    def open_phone(self, sealed: bytes, context: bytes) -> Phone:
        """Open what ``seal_phone`` made; VaultError as for ``open``."""
        return Phone(int.from_bytes(self.open(sealed, _PHONE_CONTEXT + context), "big"))

    def sign(self, message: bytes) -> bytes:
        """The ledger's Ed25519 signature, 64 bytes (RFC 8032)."""
        return self._signing.sign(message)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 signature is one of the message by that key (RFC 8032)."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


_PHONE_CONTEXT: Final = b"phone\x00"
_CHECK: Final = "check the path and who owns it; keys are never overwritten by new ones"


def _unusable(problem: str) -> VaultError:
    """The error of a key file that lacks or garbles a part."""
    return VaultError(problem, "restore the key file from its backup")


def _parsed(text: str, where: str) -> KeyFile:
    """``KeyFile.parse`` with the text's place in its errors."""
    try:
        return KeyFile.parse(text)
    except VaultError as error:
        raise VaultError(f"{where}: {error.problem}", error.remedy) from None


def _damaged() -> VaultError:
    """The error of sealed data that do not authenticate."""
    return VaultError(
        "the sealed data, or the context they belong to, were changed",
        "restore the row from a backup, and find out who changed it",
    )


def _write(path: Path, first: Path, text: str) -> None:
    """Write a file for its owner alone under a new name, then bring it to its path, on disk."""
    try:
        if first != path:
            first.unlink(missing_ok=True)  # left behind by a crash before the replacement
        made = os.open(first, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(made, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        first.replace(path)
        # Until the folder is synced too, a crash can lose a file whose data are safe.
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        problem = f"key file {path} cannot be written: {error.strerror}"
        raise VaultError(problem, _CHECK) from None
