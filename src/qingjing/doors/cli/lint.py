"""``qingjing lint``: consent screens and message texts, judged before anyone sees them."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from qingjing.desk.entries import About, InputError, Problem, day_start
from qingjing.desk.texts import read_body, view_of
from qingjing.doors import feeds
from qingjing.doors.cli import Lang
from qingjing.doors.cli.output import NEGATIVE, Json, Shared, say, say_json, table
from qingjing.kernel.rulebook import Rulebook, choose, read_rulebook
from qingjing.kernel.words import Carrier, Kind, Verdict
from qingjing.kernel.workdays import beijing_date
from qingjing.text import lint_consent, lint_message
from qingjing.text.lint_consent import Finding, SourceError
from qingjing.text.lint_message import CARRIERS_ZH, Draft, MessageLint
from qingjing.text.reading import read

app = App(name="lint", help="Consent screens and texts: what is wrong with them, before use.")

_VERDICTS: Final = {
    Verdict.PASS: ("may leave", "可以发送"),
    Verdict.HOLD: ("held", "暂扣"),
    Verdict.REFUSE: ("refused", "拒绝"),
}
ALL: Final = tuple(network.name.lower() for network in Carrier if network is not Carrier.ANY)
"""The carriers that are asked about when none is named."""

_EFFECTS: Final = {"refuse": "拒绝", "hold": "暂扣", "advice": "建议"}


@app.command
def consent(
    pages: Annotated[
        list[Path], Parameter(help="HTML, templates, agreements, texts of screenshots")
    ],
    *,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Say what makes the consent of a screen or an agreement worth nothing.

    Exit code 0 when nothing is found, 1 when something is.

    ```
    qingjing lint consent signup.html
    qingjing --lang zh lint consent agreement.txt settings.wxml --json
    ```
    """
    found = [(page, _linted(page)) for page in pages]
    if as_json:
        rows = [
            {"page": str(page)} | msgspec.to_builtins(finding)
            for page, findings in found
            for finding in findings
        ]
        say_json({"findings": rows})
    else:
        for page, findings in found:
            _tell_screen(page, findings, session.lang)
    return NEGATIVE if any(findings for _, findings in found) else 0


@app.command
def message(
    text: Annotated[
        str, Parameter(help="the whole text; left out, standard input is read")
    ] = "",
    *,
    carrier: Annotated[list[str] | None, Parameter(help="default: all four")] = None,
    date: Annotated[
        str, Parameter(help="a day, or a time (then hours count too); default: today")
    ] = "",
    declared: Annotated[str, Parameter(help="default: commercial, or asking")] = "unclear",
    signature: Annotated[str, Parameter(help="put before the text if it has none")] = "",
    port: Annotated[str, Parameter(help="the number that it would come from")] = "",
    rulebook: Annotated[
        Path | None, Parameter(help="a .toml file instead of the shipped books")
    ] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Say what a text would be refused for, how to mend it, and how many SMS it costs.

    Judges the text alone: consent, register and caps are the business of ``decide``. Needs no
    ledger. Exit code 0 when the text may leave at every carrier asked about, else 1.

    ```
    qingjing lint message "【青禾商城】秋装上新，满200减50，回T退订"
      --carrier unicom --date 2026-11-11
    qingjing --lang zh lint message "秋装上新 t.cn/x" --signature 青禾商城
      --date "2026-11-11 21:30"
    ```
    """
    about = About([], "")
    kind = about.word("declared", Kind, declared)
    networks = [about.word("carrier", Carrier, name) for name in carrier or ALL]
    at = about.moment("date", date) if date else day_start(beijing_date(session.now / 1000))
    if kind is None or not about.sound:
        raise InputError(about.problems)
    book = _book(rulebook, at)
    if not any(mark in date for mark in ":时T"):
        at += book.open_hour * 3_600_000  # a day alone asks nothing about hours
    body = text or sys.stdin.read().rstrip("\n")
    draft = Draft(
        body=lint_message.signed(body, signature),
        declared=kind,
        signature=signature,
        port=port,
    )
    view = view_of(read_body(draft.body))
    asked = [network for network in networks if network is not None]
    answer = lint_message.lint(draft, read(draft.body), view, book, asked, at)
    if as_json:
        say_json(_object(answer, draft))
    else:
        _tell_message(answer, draft, session.lang)
    refused = any(verdict is not Verdict.PASS for verdict in answer.verdicts.values())
    return NEGATIVE if refused else 0


def _linted(page: Path) -> tuple[Finding, ...]:
    try:
        return lint_consent.lint(feeds.text(page))
    except SourceError as error:
        raise InputError([Problem("", str(page), str(error), "split it")]) from error


def _tell_screen(page: Path, findings: tuple[Finding, ...], lang: Lang) -> None:
    chinese = lang == "zh"
    if not findings:
        say(f"{page}: {'未发现问题' if chinese else 'nothing found'}")
    for found in findings:
        say(f"{page}:{found.line}: {found.code}: {found.zh if chinese else found.en}")
        say(f"    “{found.quote}”")
        if found.selector:
            say(f"    {found.selector}")
        say(f"    {found.clause}")
        say(f"    → {found.remedy_zh if chinese else found.remedy_en}")


def _book(file: Path | None, at: int) -> Rulebook:
    """The book of a file, else the shipped one in force at a time."""
    if file is not None:
        return read_rulebook(feeds.text(file))
    shipped = files("qingjing").joinpath("rulebooks")
    found = choose(
        tuple(
            read_rulebook(entry.read_text(encoding="utf-8"))
            for entry in sorted(shipped.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".toml")
        ),
        at,
    )
    if found is None:
        day = beijing_date(at / 1000)
        remedy = "give a later date, or a book with --rulebook"
        raise InputError([Problem("", "date", f"no shipped rulebook covers {day}", remedy)])
    return found


def _tell_message(answer: MessageLint, draft: Draft, lang: Lang) -> None:
    chinese = lang == "zh"
    rows = [
        (CARRIERS_ZH.get(name, name) if chinese else name, _VERDICTS[verdict][chinese])
        for name, verdict in answer.verdicts.items()
    ]
    table(("运营商", "结论") if chinese else ("carrier", "the text"), rows)
    for found in answer.findings:
        names = [CARRIERS_ZH.get(n, n) if chinese else n for n in found.carriers]
        effect = _EFFECTS[found.effect] if chinese else found.effect
        say(f"{effect}: {found.code} ({', '.join(names)}): {found.zh if chinese else found.en}")
        if found.quote:
            say(f"    “{found.quote}”")
        say(f"    → {found.remedy_zh if chinese else found.remedy_en}")
    heads = ("计费条数", "字数", "还可写") if chinese else ("SMS", "characters", "room")
    table(heads, [(str(answer.parts), str(answer.units), str(answer.room))])
    if draft.body and answer.mended:
        say(f"{'改好的文本' if chinese else 'mended'} ({answer.mended_parts}): {answer.mended}")
    say(f"{'规则集' if chinese else 'rulebook'}: {answer.rulebook}")


def _object(answer: MessageLint, draft: Draft) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain | {
        "text": draft.body,
        "declared": answer.declared.name.lower(),
        "counts_as": answer.counts_as.name.lower(),
        "verdicts": {name: v.name.lower() for name, v in answer.verdicts.items()},
    }
