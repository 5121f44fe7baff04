"""``qingjing decide``: one message, decided and explained, with nothing recorded."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from qingjing.desk.entries import About, InputError
from qingjing.desk.explain import Explanation, Question, explain, grounds_words
from qingjing.doors.cli import Lang
from qingjing.doors.cli.output import NEGATIVE, Json, Shared, say, say_json, table
from qingjing.kernel.words import Carrier, Category, Kind, Verdict

_VERDICTS = {Verdict.PASS: "放行", Verdict.HOLD: "暂扣", Verdict.REFUSE: "拒绝"}


async def decide(
    text: Annotated[
        str, Parameter(help="the whole message; left out, standard input is read")
    ] = "",
    *,
    submitter: Annotated[str, Parameter(help="the party whose account submits")],
    port: Annotated[str, Parameter(help="the number that it comes from")],
    phone: Annotated[str, Parameter(help="the person's number; never printed")],
    declared: Annotated[str, Parameter(help="the declared kind")] = "unclear",
    carrier: Annotated[str, Parameter(help="default: by the number's prefix")] = "",
    at: Annotated[str, Parameter(help="as if sent then (Beijing time); default: now")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Decide one message and say why; nothing is recorded or counted.

    Exit code 0 when it may leave, 1 when it is held or refused.

    ```
    qingjing decide "【青禾商城】秋装上新，满200减50，回T退订" --submitter qinghe
      --port 106900010001 --phone 13800138000 --declared commercial
    qingjing --lang zh decide --submitter qinghe --port 106900010001
      --phone 13800138000 --json < message.txt
    ```
    """
    about = About([], "")
    number = about.phone(phone)
    kind = about.word("declared", Kind, declared)
    network = about.word("carrier", Carrier, carrier) if carrier else None
    when = about.moment("at", at) if at else session.now
    if number is None or kind is None or not about.sound:
        raise InputError(about.problems)
    question = Question(
        submitter=submitter,
        port=port,
        phone=number,
        body=text or sys.stdin.read().rstrip("\n"),
        declared=kind,
        carrier=network,
    )
    answer = await session.ask(explain, question, when)
    if as_json:
        say_json(_object(answer))
    else:
        _tell(answer, session.lang)
    return 0 if answer.verdict is Verdict.PASS else NEGATIVE


def _tell(answer: Explanation, lang: Lang) -> None:
    chinese = lang == "zh"
    name = answer.verdict.name
    say(_VERDICTS[answer.verdict] if chinese else name)
    if answer.reasons:
        heads = (
            ("规则", "原因", "处理", "义务") if chinese else ("rule", "why", "remedy", "duty")
        )
        rows = [
            (
                r.rule,
                r.zh if chinese else r.en,
                r.remedy_zh if chinese else r.remedy_en,
                r.duty,
            )
            for r in answer.reasons
        ]
        table(heads, rows)
    reading, lane = answer.text, answer.lane
    pairs = [
        ("read as", f"{reading.kind.name.lower()}, {reading.category.name.lower()}"),
        ("because", "; ".join(answer.why) or "-"),
        ("declared", answer.declared.name.lower()),
        ("counts as", answer.counts_as.name.lower()),
        ("signature", reading.signature or "-"),
        ("notice", reading.notice or "-"),
        ("sender", f"{lane.sender} (group {lane.group})"),
        ("grant", lane.grant or "-"),
        ("carrier", lane.carrier.name.lower()),
        ("grounds", grounds_words(answer.grounds_state, answer.grounds, lang)),
        ("rulebook", answer.rulebook),
        ("ledger at", str(answer.position)),
    ]
    table(("", ""), pairs)


def _object(answer: Explanation) -> dict[str, Any]:
    reading, lane = answer.text, answer.lane
    return {
        "verdict": answer.verdict.name.lower(),
        "reasons": [
            {
                "rule": r.rule,
                "effect": r.effect.name.lower(),
                "duty": r.duty,
                "en": r.en,
                "zh": r.zh,
                "remedy_en": r.remedy_en,
                "remedy_zh": r.remedy_zh,
            }
            for r in answer.reasons
        ],
        "reading": {
            "kind": Kind(reading.kind).name.lower(),
            "category": Category(reading.category).name.lower(),
            "why": list(answer.why),
            "signature": reading.signature,
            "notice": reading.notice,
        },
        "declared": answer.declared.name.lower(),
        "counts_as": answer.counts_as.name.lower(),
        "sender": lane.sender,
        "group": lane.group,
        "port": lane.port,
        "carrier": lane.carrier.name.lower(),
        "grant": lane.grant,
        "facts": list(lane.facts),
        "standing": answer.grounds_state.name.lower(),
        "grounds": answer.grounds.position if answer.grounds else 0,
        "grounds_en": grounds_words(answer.grounds_state, answer.grounds, "en"),
        "grounds_zh": grounds_words(answer.grounds_state, answer.grounds, "zh"),
        "rulebook": answer.rulebook,
        "case": answer.case,
        "position": answer.position,
    }
