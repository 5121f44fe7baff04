"""Logs of messages, own or foreign, CSV or Parquet: read in batches into detectors' columns.

Columns are guessed by their headings or named by a small TOML file. A log with bodies and
without kinds or templates is read as the gate reads; each body once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.doors.feeds import FeedError, encoding_of
from qingjing.kernel.words import Category, Kind
from qingjing.text.campaigns import Campaigns, core
from qingjing.text.reading import read
from qingjing.watch.declared import Register
from qingjing.watch.logs import VERDICTS, Digest, Names, Rows, digests, merged

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "at": ("at", "time", "sent_at", "submit_time", "时间", "发送时间", "提交时间"),
    "port": (
        "port",
        "src_id",
        "src_terminal_id",
        "sp_number",
        "端口",
        "端口号",
        "码号",
        "接入号",
    ),
    "signature": ("signature", "sign", "sign_name", "签名"),
    "sender": ("sender", "account", "customer", "merchant", "账号", "客户", "商户", "发送方"),
    "provider": ("provider", "vendor", "channel", "服务商", "通道"),
    "kind": ("kind", "type", "message_type", "类别", "短信类型"),
    "category": ("category", "industry", "类目", "行业"),
    "template": ("template", "template_key", "template_id", "模板", "模板编号"),
    "domain": ("domain", "link_domain", "链接域名", "域名"),
    "person": ("person", "person_hash", "phone_hash", "phone", "mobile", "手机号", "号码"),
    "verdict": ("verdict", "result", "status", "结果", "状态"),
    "reply": ("reply", "mo", "回复", "上行"),
    "complaint": ("complaint", "complaints", "投诉"),
    "body": ("body", "content", "text", "message", "内容", "短信内容"),
}
"""Headings that are taken for a column, whatever their case."""
_NEEDED: Final = ("at", "port")
BATCH_ROWS: Final = 1 << 20
"""Rows held at once: some 200 MB in columns."""
BODIES_MAX: Final = 200_000
"""Bodies whose reading is kept."""
_WORDS: Final = ("port", "signature", "sender", "provider", "domain")
_VERDICT_WORDS: Final = {"": 0, "passed": 0, "ok": 0, "delivrd": 0, "refused": 2, "rejected": 2}
_OPT_OUT: Final = ("opt_out", "退订", "拒收")


def read_register(path: Path) -> Register:
    """The register of a JSON or TOML file; FeedError names the field that is wrong."""
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".toml":
            return msgspec.convert(tomllib.loads(data.decode()), Register)
        return msgspec.json.decode(data, type=Register)
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}; check the path") from None
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise FeedError(f"{path}: {error}; write it as docs/detectors.md shows") from None


class SendLog:
    """One log, its files together. ``names`` are the words of the codes that it gives.

    ``templates`` gives texts to template keys, so that texts that differ in a word are one
    family. Nothing is read before ``digests``.
    """

    def __init__(
        self,
        files: Sequence[Path],
        columns: Mapping[str, str] | None = None,
        templates: Mapping[str, str] | None = None,
        sample: int = 8,
    ) -> None:
        """FeedError when a column that is needed is missing, or one that is named."""
        self.names = Names()
        self._files, self._sample = files, sample
        self._columns = dict(columns or {})
        self._campaigns = Campaigns()
        self._places = self._families(templates or {})
        self._bodies: dict[str, tuple[int, int, int, str, str]] = {}
        self.rows = 0
        unknown = set(self._columns) - set(HEADINGS)
        if unknown:
            known = ", ".join(HEADINGS)
            raise FeedError(f"columns: {min(unknown)!r} is no column; one of {known}")
        self.found = {path: self._guess(path) for path in files}

    def digests(self) -> Iterator[Digest]:
        """The log as days, in order; all of it is read before the first is given."""
        parts: list[Digest] = []
        for path in self._files:
            for batch in _batches(path, list(self.found[path].values())):
                rows = self._rows(path, batch)
                parts += digests(rows, self._sample)
                if len(parts) > 1000:
                    parts = merged(parts)
        return iter(merged(parts))

    def batches(self) -> Iterator[int]:
        """How many rows there are in all files, where a file says it."""
        for path in self._files:
            if path.suffix.lower() == ".parquet":
                yield pq.ParquetFile(path).metadata.num_rows

    def missing(self) -> list[str]:
        """Columns that no file has, whose detectors see nothing."""
        given = {name for found in self.found.values() for name in found}
        if "body" in given:
            given |= {"kind", "category", "template", "domain", "signature"}
        return [name for name in HEADINGS if name not in given and name != "body"]

    def _guess(self, path: Path) -> dict[str, str]:
        headings = _headings(path)
        lower = {heading.strip().lower(): heading for heading in headings}
        found = {}
        for name, guesses in HEADINGS.items():
            if name in self._columns:
                if self._columns[name] not in headings:
                    raise FeedError(
                        f"{path}: there is no column {self._columns[name]!r} for {name}; "
                        f"it has {', '.join(headings)}"
                    )
                found[name] = self._columns[name]
            elif fitting := [lower[guess] for guess in guesses if guess in lower]:
                found[name] = fitting[0]
        lacking = [name for name in _NEEDED if name not in found]
        if "signature" not in found and "body" not in found:
            lacking.append("signature")
        if lacking:
            raise FeedError(
                f"{path}: no column for {', '.join(lacking)} among {', '.join(headings)}; "
                'name it in --columns, for example: port = "src_id"'
            )
        return found

    def _rows(self, path: Path, batch: Any) -> Rows:
        found = self.found[path]
        size = batch.num_rows
        empty = np.zeros(size, np.int64)

        def column(name: str) -> Any:
            return batch.column(found[name]) if name in found else None

        codes: dict[str, NDArray[np.int64]] = {}
        for name in _WORDS:
            given = column(name)
            codes[name] = empty if given is None else self._coded(given, self.names.codes)
        for name, words in (("kind", Kind), ("category", Category)):
            given = column(name)
            codes[name] = empty if given is None else self._coded(given, _numbers(words, name))
        given = column("verdict")
        codes["verdict"] = empty if given is None else self._coded(given, _verdicts)
        given = column("template")
        codes["family"] = empty if given is None else self._coded(given, self._family)
        if "body" in found and "template" not in found:
            self._read(column("body"), codes, found)
        given = column("reply")
        replies = empty if given is None else self._coded(given, _replies)
        given = column("complaint")
        complaints = empty if given is None else self._coded(given, _counts)
        rows = Rows(
            _moments(path, column("at")),
            np.arange(self.rows, self.rows + size) + 1,
            codes,
            _persons(column("person"), size),
            replies > 0,
            replies > 1,
            complaints,
        )
        self.rows += size
        return rows

    def _coded(self, column: Any, numbers: Any) -> NDArray[np.int64]:
        """A column by the number of each word; each distinct word is looked at once."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        words = ["" if w is None else str(w) for w in column.dictionary.to_pylist()]
        codes = np.asarray(numbers([*words, ""]), np.int64)
        places = pc.fill_null(column.indices, len(words))
        found: NDArray[np.int64] = codes[places.to_numpy(zero_copy_only=False)]
        return found

    def _families(self, templates: Mapping[str, str]) -> dict[str, int]:
        places = self._campaigns.add_cores([core(body) for body in templates.values()])
        found = zip(templates, places, strict=True)
        return {key: self._campaigns.cluster(place) for key, place in found}

    def _family(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """A template's family: its texts' cluster, else the template itself (negative)."""
        alone = -self.names.codes(keys)
        known = [self._places.get(key) for key in keys]
        return np.array(
            [a if k is None else k + 1 for k, a in zip(known, alone.tolist(), strict=True)]
        )

    def _read(
        self, column: Any, codes: dict[str, NDArray[np.int64]], found: Mapping[str, str]
    ) -> None:
        """Kinds, categories, families, domains and signatures from bodies, where not given."""
        column = column.dictionary_encode()
        readings = [self._reading(body or "") for body in column.dictionary.to_pylist()]
        readings.append((0, 0, 0, "", ""))
        places = pc.fill_null(column.indices, len(readings) - 1).to_numpy(zero_copy_only=False)
        kinds, categories, families, domains, signatures = zip(*readings, strict=True)
        for name, values in (("kind", kinds), ("category", categories), ("family", families)):
            if name not in found:
                codes[name] = np.array(values, np.int64)[places]
        for name, words in (("domain", domains), ("signature", signatures)):
            if name not in found:
                codes[name] = self.names.codes(words)[places]

    def _reading(self, body: str) -> tuple[int, int, int, str, str]:
        known = self._bodies.get(body)
        if known is None:
            if len(self._bodies) >= BODIES_MAX:
                self._bodies.clear()
            seen = read(body)
            domain = next((link.domain for link in seen.links), "")
            family = self._campaigns.add(body) + 1
            known = int(seen.kind), int(seen.category), family, domain, seen.signature or ""
            self._bodies[body] = known
        return known


def _headings(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        try:
            return list(pq.ParquetFile(path).schema_arrow.names)
        except (OSError, pa.ArrowInvalid) as error:
            raise FeedError(f"{path} cannot be read: {error}; check the file") from None
    if path.suffix.lower() != ".csv":
        raise FeedError(f"{path} is neither .csv nor .parquet")
    with _csv(path, None) as reader:
        return list(reader.schema.names)


def _csv(path: Path, columns: list[str] | None) -> Any:
    try:
        return pacsv.open_csv(
            path,
            pacsv.ReadOptions(block_size=1 << 24, encoding=encoding_of(path)),
            convert_options=pacsv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(columns or (), pa.string()),
            ),
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise FeedError(f"{path} cannot be read: {error}; check the file") from None


def _batches(path: Path, columns: list[str]) -> Iterator[Any]:
    try:
        if path.suffix.lower() == ".parquet":
            file = pq.ParquetFile(path)
            yield from file.iter_batches(BATCH_ROWS, columns=columns)
        else:
            with _csv(path, columns) as reader:
                yield from reader
    except pa.ArrowInvalid as error:
        raise FeedError(f"{path} cannot be read to its end: {error}") from None


def _moments(path: Path, column: Any) -> NDArray[np.int64]:
    """Epoch ms of epoch seconds or ms, of timestamps, or of Beijing times as text."""
    kind = column.type
    try:
        if pa.types.is_timestamp(kind):
            if kind.tz is None:
                column = pc.assume_timezone(column, "Asia/Shanghai")
            return np.asarray(column.cast(pa.timestamp("ms", "UTC")).cast(pa.int64()))
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            if pc.all(pc.utf8_is_digit(column)).as_py():
                column = column.cast(pa.int64())
            else:
                return _moments(path, column.cast(pa.timestamp("ms")))
        found = np.asarray(column.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise FeedError(
            f"{path}: column {'at'}: {error}; write 2026-11-11 10:00:00 or epoch milliseconds"
        ) from None
    return found * 1000 if len(found) and found.max() < 100_000_000_000 else found


def _persons(column: Any, size: int) -> NDArray[np.uint64]:
    """Each person as a number that is not 0; only compared, never told."""
    if column is None:
        return np.zeros(size, np.uint64)
    if pa.types.is_integer(column.type):
        return np.asarray(pc.fill_null(column, 0)).astype(np.uint64)
    column = column.dictionary_encode()
    keys = [
        int.from_bytes(blake2b(str(one or "").encode(), digest_size=8).digest(), "big")
        for one in column.dictionary.to_pylist()
    ]
    places = pc.fill_null(column.indices, len(keys)).to_numpy(zero_copy_only=False)
    found: NDArray[np.uint64] = np.array([*keys, 0], np.uint64)[places]
    return found


def _numbers(words: type[Kind] | type[Category], name: str) -> Any:
    known = {word.name.lower(): int(word) for word in words} | {"": 0}

    def numbers(given: Sequence[str]) -> list[int]:
        for word in given:
            if word.lower() not in known:
                told = ", ".join(known)
                raise FeedError(f"column {name}: {word!r} is not known; use one of {told}")
        return [known[word.lower()] for word in given]

    return numbers


def _verdicts(given: Sequence[str]) -> list[int]:
    known = {word: place for place, word in enumerate(VERDICTS)} | _VERDICT_WORDS
    return [known.get(word.lower(), VERDICTS.index("fail")) for word in given]


def _replies(given: Sequence[str]) -> list[int]:
    """0 none, 1 a reply, 2 a refusal."""
    return [0 if not word else 2 if word.lower() in _OPT_OUT else 1 for word in given]


def _counts(given: Sequence[str]) -> list[int]:
    return [
        int(word) if word.isdigit() else int(word.lower() not in ("", "false", "no", "否"))
        for word in given
    ]
