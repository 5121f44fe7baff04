"""``qingjing reading``: show how a text or screenshot is read, teach the model, measure it."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from msgspec import to_builtins

from qingjing.desk.entries import BEIJING, About, InputError, Problem
from qingjing.desk.texts import read_body
from qingjing.doors.cli.output import NEGATIVE, Json, Shared, complain, say, say_json, table
from qingjing.text import model, ocr
from qingjing.text.explain import explain
from qingjing.text.screenshot import SURE, moment, read_screen
from qingjing.text.teach import measures, sources
from qingjing.text.teach.split import Taught, all_train, part
from qingjing.text.teach.train import train as teach
from qingjing.text.teach.train import voucher

app = App(name="reading", help="How texts are read: show, screenshot, train, measure.")

_REMEDY: Final = "docs/reading.md has the form of a declaration; --data is where the files are"

Data = Annotated[Path, Parameter(help="the folder that the sources' paths start from")]
Declared = Annotated[
    Path | None, Parameter(name="--sources", help="a declaration of sources; default: our own")
]


@app.command
def show(text: str, *, as_json: Json = False) -> int:
    """Read one text and show the words and clauses that weighed most.

    ```
    qingjing reading show "【青禾商城】您的订单已发货。另有满减券待领 s.example.cn/x"
    ```
    """
    reading = read_body(text)
    spans = explain(text)
    if as_json:
        say_json(
            {
                "kind": reading.kind.name,
                "confidence": reading.confidence,
                "category": reading.category.name,
                "mixed": reading.mixed,
                "span": reading.span,
                "evasions": reading.evasions,
                "spans": [{"start": s.start, "end": s.end, "weight": s.weight} for s in spans],
            }
        )
        return 0
    mixed = ", a promotion on a notice" if reading.mixed else ""
    say(f"{reading.kind.name} {reading.category.name} {reading.confidence:.4f}{mixed}")
    table(("weight", "words"), [(f"{s.weight:+.2f}", text[s.start : s.end]) for s in spans])
    return 0


@app.command
def screenshot(
    file: Path,
    *,
    taken: Annotated[
        str, Parameter(help="when it was taken (Beijing time); default: now")
    ] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Read a screenshot of SMS into sender, times and texts. Needs the extra `ocr`.

    What is read off a picture is a proposal: the person has to confirm it. Exit code 1 when
    something could not be found.

    ```
    qingjing reading screenshot screen.png --taken "2026-11-24 14:30"
    ```
    """
    about = About([], "")
    when = about.moment("taken", taken) if taken else session.now
    if not about.sound:
        raise InputError(about.problems)
    try:
        found = read_screen(*ocr.lines(file.read_bytes()))
    except (OSError, ocr.PictureError) as error:
        raise InputError(
            [Problem("", "file", f"{file}: {error}", "see docs/reading.md")]
        ) from None
    seen = datetime.fromtimestamp(when / 1000, BEIJING)
    rows = [(one, moment(one.time, seen)) for one in found.bubbles]
    if as_json:
        bubbles = [
            to_builtins(one) | {"at": None if at is None else at.isoformat()}
            for one, at in rows
        ]
        say_json({"sender": found.sender, "bubbles": bubbles, "missing": found.missing})
        return NEGATIVE if found.missing else 0
    say(found.sender or "?")
    for one, at in rows:
        who = "->" if one.mine else "<-"
        doubt = "" if one.sure >= SURE else f"  ({one.sure:.2f})"
        say(
            f"{who} {at:%Y-%m-%d %H:%M}" if at else f"{who} {one.time or '?'}", one.text + doubt
        )
    if found.missing:
        complain(f"not found, to be asked for: {', '.join(found.missing)}")
    return NEGATIVE if found.missing else 0


@app.command
def train(
    *,
    data: Data = Path(),
    declared: Declared = None,
    out: Annotated[Path | None, Parameter(help="where the model goes; default: in use")] = None,
    as_json: Json = False,
) -> int:
    """Teach the model anew from declared sources, your own labelled rows among them.

    Without ``--out`` the model takes the place of the one in use; what decides then is another
    reader, and decisions name it. Sources that are not there are told and left out.

    ```
    qingjing reading train --data corpora
    qingjing reading train --data corpora --sources ours.toml --out out/model
    ```
    """
    taught, absent = _taught(declared, data)
    rows = all_train(taught)
    if not rows:
        raise InputError([Problem("sources", "data", "no row to learn from", _REMEDY)])
    about = {
        "rows": len(rows),
        "sources": sources.describe(tuple(each.source for each in taught)),
    }
    made = teach([one.row for one in rows], [one.share for one in rows], about)
    folder = out or Path(str(files("qingjing.text")))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / model.FILE).write_bytes(made)
    (folder / model.VOUCHER).write_text(voucher(made, about), encoding="utf-8")
    told = {"rows": len(rows), "bytes": len(made), "folder": str(folder), "absent": absent}
    if as_json:
        say_json(told)
    else:
        _tell_absent(absent)
        say(f"taught from {len(rows):,} rows: {folder / model.FILE}, {len(made):,} bytes")
    return 0


@app.command
def measure(*, data: Data = Path(), declared: Declared = None, as_json: Json = False) -> int:
    """Measure the reader on texts that taught it nothing. Exit code 1 if an aim is missed.

    ```
    qingjing reading measure --data corpora
    qingjing reading measure --data corpora --json
    ```
    """
    taught, absent = _taught(declared, data)
    figures = list(measures.of_everything(taught))
    if as_json:
        say_json({"figures": [_plain(figure) for figure in figures], "absent": absent})
    else:
        _tell_absent(absent)
        rows = [
            (
                figure.name,
                f"{figure.value:.4f}",
                f"{'>=' if figure.least else '<='} {figure.aim:g}",
                "yes" if figure.reached else "NO",
                f"{figure.rows:,}",
                figure.about,
            )
            for figure in figures
        ]
        table(("measure", "value", "aim", "reached", "rows", "what it is"), rows)
    return 0 if all(figure.reached for figure in figures) else NEGATIVE


def _plain(figure: measures.Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": round(figure.value, 6),
        "aim": figure.aim,
        "at": "least" if figure.least else "most",
        "reached": figure.reached,
        "rows": figure.rows,
        "about": figure.about,
    }


def _taught(declared: Path | None, data: Path) -> tuple[list[Taught], list[str]]:
    """The sources that are there, parted, and the names of those that are not."""
    try:
        text = sources.shipped() if declared is None else declared.read_text(encoding="utf-8")
        found, absent = [], []
        for source in sources.parse(text):
            path = data / source.path
            if source.path and not path.is_file():
                absent.append(source.name)
                continue
            content = path.read_text(encoding="utf-8") if source.path else ""
            found.append(part(source, content))
    except (OSError, UnicodeDecodeError, sources.SourceError) as error:
        raise InputError([Problem("sources", "sources", str(error), _REMEDY)]) from None
    return found, absent


def _tell_absent(absent: list[str]) -> None:
    for name in absent:
        say(f"{name} is not there and left out; see --data")
