"""``qingjing detect``: the register's detectors over logs of messages, and their measure."""

from __future__ import annotations

import csv
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from qingjing.city.year import Options, Planted, make_year, write_year
from qingjing.city.year_score import Row, judged
from qingjing.desk.entries import told
from qingjing.desk.findings import Opened, open_alarms
from qingjing.doors.cli import Lang
from qingjing.doors.cli.city import app as city
from qingjing.doors.cli.output import (
    NEGATIVE,
    Json,
    Shared,
    complain,
    progress,
    say,
    say_json,
    table,
)
from qingjing.doors.feeds import FeedError
from qingjing.doors.sendlog import SendLog, read_register
from qingjing.watch.alarm import Alarm, Limits

if TYPE_CHECKING:
    from qingjing.watch.detect import Watch

app = App(name="detect", help="Sublet ports, drift, returns under another name, and more.")

AIMS: Final = {
    "sublet_port": (0.95, 0.9),
    "signature_drift": (0.95, 0.9),
    "port_drift": (0.95, 0.9),
    "came_back": (0.9, 0.9),
}
"""Recall and precision that are aimed at, on cities that no tuning saw."""
DELAY_AIM: Final = 1.0
"""Days from the first violating message to the alarm, the median of each of those."""


@app.command
async def log(
    *files: Annotated[Path, Parameter(help="the log, CSV or Parquet; several are one log")],
    register: Annotated[Path, Parameter(name="--register", help="JSON or TOML")],
    columns: Annotated[
        Path | None, Parameter(help='which column is what, TOML: port = "src_id"')
    ] = None,
    templates: Annotated[
        Path | None, Parameter(help="a CSV of template and text, to know reworded texts")
    ] = None,
    limits: Annotated[Path | None, Parameter(help="the detectors' settings, TOML")] = None,
    open_by: Annotated[
        str, Parameter(help="open a finding of each alarm in the ledger; who stands for it")
    ] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Examine a log day by day, own or foreign; each alarm with its evidence.

    Columns are guessed by their headings; `docs/detectors.md` lists them, and the fields of
    the register. Exit code 1 when there is an alarm.

    ```
    qingjing detect log log.parquet --register register.json --templates templates.csv
    qingjing detect log may.csv june.csv --register register.toml --columns columns.toml --json
    qingjing detect log may.csv --register register.toml --open-by 王敏
    ```
    """
    if not files:
        raise FeedError("no log was named; name a .csv or .parquet file")
    chosen = _settings(limits)
    texts = _texts(templates) if templates else {}
    reader = SendLog(files, _toml(columns) if columns else {}, texts, chosen.sample)
    watch = _watch(read_register(register), reader.names, chosen)
    with progress("days", 0) as bar:
        alarms = [alarm for day in reader.digests() for alarm in _day(watch, day, bar)]
    opened = Opened((), ())
    if open_by:
        opened = await session.write(open_alarms, tuple(alarms), open_by)
    if as_json:
        say_json(
            {
                "rows": reader.rows,
                "missing": reader.missing(),
                "alarms": [msgspec.to_builtins(alarm) for alarm in alarms],
                "findings": [fact.finding for fact in opened.findings],
                "not_registered": opened.left,
            }
        )
    else:
        _tell(alarms, reader, session.lang)
        if open_by:
            names = dict.fromkeys(fact.finding for fact in opened.findings)
            say(f"findings: {', '.join(names) or 'none'}")
        for subject in opened.left:
            complain(f"{subject}: no party in the register answers for it; no finding")
    return NEGATIVE if alarms else 0


@app.command
def measure(
    *,
    seeds: Annotated[str, Parameter(help="one, or a range: 101..105")] = "101..105",
    senders: Annotated[int, Parameter(help="senders of a city")] = 150,
    volume: Annotated[float, Parameter(help="the median sender's messages a day")] = 12.0,
    plants: Annotated[int, Parameter(help="violations of each kind")] = 8,
    weight: Annotated[
        dict[str, float] | None,
        Parameter(help="more or less of one form: --weight.sublet_hidden 3", negative=""),
    ] = None,
    as_json: Json = False,
) -> int:
    """Make city years, run all detectors, print recall, precision and delay of each.

    Exit code 1 when an aim is missed. Tuning saw the seeds 1 to 10 alone.

    ```
    qingjing detect measure --seeds 101..105
    qingjing detect measure --seeds 7 --senders 300 --plants 20 --weight.sublet_hidden 3 --json
    ```
    """
    chosen = [
        Options(seed=seed, senders=senders, volume=volume, plants=plants, weights=weight or {})
        for seed in _seeds(seeds)
    ]
    with progress("cities", len(chosen)) as bar:
        years = []
        for options in chosen:
            years.append(_played(options))
            bar.advance(bar.task_ids[0])
    rows = judged(years)
    missed = _missed(rows)
    if as_json:
        made = [
            msgspec.to_builtins(row) | {"recall": row.recall, "precision": row.precision}
            for row in rows
        ]
        say_json({"ok": not missed, "seeds": [one.seed for one in chosen], "rows": made})
    else:
        _tell_rows(rows)
        say("", *missed or ["every aim is met"])
    return NEGATIVE if missed else 0


@city.command
def year(
    *,
    out: Annotated[Path, Parameter(help="a folder for log, register, templates and truth")],
    seed: Annotated[int, Parameter(help="the same seed gives the same year")] = 1,
    senders: Annotated[int, Parameter(help="how many, 60 or more")] = 150,
    days: Annotated[int, Parameter(help="how long, 120 or more")] = 365,
    volume: Annotated[float, Parameter(help="the median sender's messages a day")] = 12.0,
    plants: Annotated[int, Parameter(help="violations of each kind")] = 8,
    weight: Annotated[
        dict[str, float] | None,
        Parameter(help="more or less of one form: --weight.sublet_hidden 3", negative=""),
    ] = None,
) -> int:
    """Write a year of a city as a log, with planted violations and their look-alikes.

    ```
    qingjing city year --seed 7 --out out/year-7
    qingjing city year --out out/few --senders 80 --days 120 --plants 3
    ```
    """
    try:
        made = make_year(
            Options(
                seed=seed,
                senders=senders,
                days=days,
                volume=volume,
                plants=plants,
                weights=weight or {},
            )
        )
        write_year(made, out)
    except (ValueError, OSError) as error:
        raise FeedError(f"no year was written: {error}") from None
    guilty = sum(not one.innocent for one in made.truth)
    say(f"{made.log.num_rows} messages, {guilty} violations, "
        f"{len(made.truth) - guilty} look-alikes; see {out}")  # fmt: skip
    return 0


def _played(options: Options) -> tuple[Sequence[Planted], list[Alarm]]:
    """One city, written and read again as a log is, and its alarms."""
    try:
        made = make_year(options)
    except ValueError as error:
        raise FeedError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="qingjing-year-") as folder:
        home = Path(folder)
        write_year(made, home)
        reader = SendLog([home / "log.parquet"], {}, _texts(home / "templates.csv"))
        watch = _watch(read_register(home / "register.json"), reader.names, Limits())
        alarms = [alarm for day in reader.digests() for alarm in watch.examine(day)]
    return made.truth, alarms


def _watch(*args: Any) -> Watch:
    from qingjing.watch.detect import Watch  # here: SciPy costs every command a second

    return Watch(*args)


def _day(watch: Watch, day: Any, bar: Any) -> Iterable[Alarm]:
    bar.advance(bar.task_ids[0])
    return watch.examine(day)


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("..")
    try:
        found = list(range(int(first), int(last or first) + 1))
    except ValueError:
        found = []
    if not found:
        raise FeedError(f"seeds: {text!r} is no number or range; write 7 or 101..105")
    return found


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FeedError(f"{path} cannot be read: {error}") from None


def _settings(path: Path | None) -> Limits:
    try:
        return msgspec.convert(_toml(path) if path else {}, Limits)
    except msgspec.ValidationError as error:
        raise FeedError(f"{path}: {error}; docs/detectors.md has the settings") from None


def _texts(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row["template"]: row["text"] for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        problem = f"{path} has no columns template and text, or cannot be read: {error}"
        raise FeedError(problem) from None


def _tell(alarms: Sequence[Alarm], reader: SendLog, lang: Lang) -> None:
    for path, found in reader.found.items():
        say(f"{path}: " + ", ".join(f"{name} = {column}" for name, column in found.items()))
    if lacking := reader.missing():
        say(f"not in the log: {', '.join(lacking)}; what rests on it is not seen")
    counts = Counter(alarm.kind for alarm in alarms)
    say(f"{reader.rows} messages, {len(alarms)} alarms", "")
    table(("detector", "alarms"), [(kind, str(count)) for kind, count in counts.items()])
    for alarm in sorted(alarms, key=lambda one: (-one.score, -one.messages)):
        say("", *_lines(alarm, lang))


def _lines(alarm: Alarm, lang: Lang) -> Iterator[str]:
    zh = lang == "zh"
    yield f"{alarm.kind} {alarm.score:.2f}  {alarm.words_zh if zh else alarm.words_en}"
    since = f"自{told(alarm.since)}起" if zh else f"since {told(alarm.since)}"
    yield f"  {since}, {alarm.messages}"
    for one in alarm.evidence:
        rows = f"  #{', #'.join(map(str, one.rows))}" if one.rows else ""
        yield f"  - {one.zh if zh else one.en}{rows}"


def _missed(rows: Sequence[Row]) -> list[str]:
    """Each aim that is missed, in words."""
    missed = []
    for row in rows:
        if row.detector in AIMS:
            recall, precision = AIMS[row.detector]
            for name, value, aim in (
                ("recall", row.recall, recall),
                ("precision", row.precision, precision),
            ):
                if value < aim:
                    missed.append(f"{row.detector}: {name} {value:.3f}, aim {aim}")
            if row.delay_days is not None and row.delay_days > DELAY_AIM:
                missed.append(f"{row.detector}: {row.delay_days} days, aim {DELAY_AIM}")
    return missed


def _tell_rows(rows: Sequence[Row]) -> None:
    heads = ("detector", "planted", "recall", "precision", "days", "missed", "false")
    table(
        heads,
        [
            (
                row.detector,
                str(row.planted),
                f"{row.recall:.3f}",
                f"{row.precision:.3f}",
                "-" if row.delay_days is None else str(row.delay_days),
                " ".join(f"{name} {count}" for name, count in row.missed.items()),
                " ".join(f"{name} {count}" for name, count in row.false.items()),
            )
            for row in rows
        ],
    )
