"""Signatures in vendors' own field names: rows of their forms in, rows of their forms out.

A row is a signature with the company that owns it. What a form asks of persons (names, numbers
and pictures of identity cards) is not read and leaves empty: the register keeps none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from qingjing.desk.entries import InputError, Problem, shown
from qingjing.kernel.register import Register


class Form(NamedTuple):
    """A vendor's columns. ``sources`` are its words for where a name comes from; ``personal``
    are columns that are asked for and never kept here."""

    signature: str
    company: str
    code: str
    source: str
    proof: str
    sources: Mapping[str, str]
    personal: tuple[str, ...]


FORMS: Final[dict[str, Form]] = {
    "qiniu": Form(
        signature="signature",
        company="company_name",
        code="company_credit_code",
        source="source",
        proof="desc",
        sources={
            "enterprises_and_institutions": "enterprise",
            "trade_name": "trademark",
            "app": "app",
        },
        personal=("identity_name", "identity_no", "business_license_image"),
    ),
    "volcengine": Form(
        signature="content",
        company="businessInfo.name",
        code="businessInfo.code",
        source="source",
        proof="trademark",
        sources={"1": "enterprise", "2": "app", "3": "trademark"},
        personal=("operatorPerson", "responsiblePersonInfo", "legalPerson"),
    ),
}
"""By vendor, as law register §3.1 has the field names; a field inside another has a dot."""


def description(
    register: Register, vendor: str, rows: Sequence[Mapping[str, Any]], kinds: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of a vendor's form as a description for ``register.load``: parties and signatures.

    A company that the register knows by its credit code keeps its name here, a new one gets its
    code as its name. InputError with the row of each problem; the header is row 1.
    """
    form, problems = form_of(vendor), list[Problem]()
    by_code = {party.credit_code: party for party in register.parties()}
    parties: dict[str, dict[str, Any]] = {}
    signatures: list[dict[str, Any]] = []
    for number, row in enumerate(rows, 2):
        cells = {name: str(row.get(name) or "").strip() for name in form[:5]}
        where = f"row {number}"
        for name in (form.signature, form.company, form.code, form.source):
            if not cells[name]:
                problems.append(Problem(where, name, "is empty", "complete the form"))
        source = form.sources.get(cells[form.source])
        if cells[form.source] and source is None:
            remedy = f"use {', '.join(form.sources)}: other sources are no longer taken"
            problem = f"{shown(cells[form.source])} is no source"
            problems.append(Problem(where, form.source, problem, remedy))
        code = cells[form.code]
        known = by_code.get(code)
        if known is None and code:
            parties.setdefault(
                code,
                {
                    "party": code,
                    "name": cells[form.company],
                    "role": "merchant",
                    "credit_code": code,
                },
            )
        signatures.append(
            {
                "signature": cells[form.signature],
                "owner": known.party if known else code,
                "source": source or "enterprise",
                "proof": cells[form.proof] or code,
                "kinds": list(kinds),
            }
        )
    if problems:
        raise InputError(problems)
    return {"parties": list(parties.values()), "signatures": signatures}


def in_rows(problems: Sequence[Problem], entries: Mapping[str, Sequence[Any]]) -> InputError:
    """Problems of a description told by the rows that it was made of."""
    owners = [entry["owner"] for entry in entries["signatures"]]

    def row(problem: Problem) -> Problem:
        table, _, number = problem.where.partition(" ")
        if not number.isdecimal():
            return problem
        place = int(number) - 1
        if table == "parties":
            place = owners.index(entries["parties"][place]["party"])
        return problem._replace(where=f"row {place + 2}")

    return InputError(map(row, problems))


def exported(register: Register, vendor: str) -> tuple[list[str], Iterator[list[str]]]:
    """Head and rows of all signatures in a vendor's form; personal columns are empty."""
    form = form_of(vendor)
    head = [*form[:5], *form.personal]
    words = {ours: theirs for theirs, ours in form.sources.items()}

    def rows() -> Iterator[list[str]]:
        for name in register.signatures():
            signature = register.signature(name)
            party = register.party(signature.owner) if signature else None
            if signature is not None and party is not None:
                cells = [name, party.name, party.credit_code, words[signature.source]]
                yield [*cells, signature.proof, *("" for _ in form.personal)]

    return head, rows()


def form_of(vendor: str) -> Form:
    """A vendor's form; InputError when there is none."""
    form = FORMS.get(vendor)
    if form is None:
        problem = f"{shown(vendor)} has no form here"
        raise InputError([Problem("", "vendor", problem, f"use {', '.join(FORMS)}")])
    return form
