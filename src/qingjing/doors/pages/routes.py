"""The routes of the person's pages. Every act is a form; every form brings its token back.

A number is asked for, proved by a code, and then open for a while. Whether a number is known
shows nowhere before it is proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath, SkipValidation

from qingjing.desk import consent
from qingjing.desk.entries import InputError
from qingjing.desk.peace import lift, peace, received
from qingjing.desk.receipt import check
from qingjing.doors.pages.codes import DAY_MS, Busy, Session, network
from qingjing.doors.pages.forms import (
    Asked,
    came_from,
    cookie,
    form_of,
    held,
    session_of,
    start_token,
)
from qingjing.doors.pages.view import Lang
from qingjing.kernel.facts import ALL_GROUPS
from qingjing.kernel.words import Phone, mask

if TYPE_CHECKING:
    from qingjing.doors.pages.server import Rooms
else:
    Rooms = Any

_log = structlog.get_logger("qingjing.pages")

Here = NamedDependency[SkipValidation[Rooms]]
Said = FromPath[str]
Page = Response[str]

_CODE_MAX: Final = 40
"""Characters of a receipt's code with whatever parts its groups."""


def _page(
    rooms: Rooms, name: str, lang: Lang, here: str, *, status: int = 200, **more: Any
) -> Page:
    text = rooms.view.page(name, lang, here, **more)
    headers = {"Cache-Control": "no-store", "Content-Language": lang}
    return Response(text, status_code=status, media_type="text/html", headers=headers)


def _go(where: str, *cookies: Cookie) -> Page:
    """On to another page, by GET: going back or reloading does nothing twice."""
    headers = {"Location": where, "Cache-Control": "no-store"}
    return Response(
        "", status_code=303, media_type="text/html", headers=headers, cookies=cookies
    )


def _lang(name: str) -> Lang:
    if name not in ("zh", "en"):
        raise NotFoundException
    return "en" if name == "en" else "zh"


def preferred(request: Asked) -> Lang:
    """The language that the browser asks for: Chinese, unless it names English alone."""
    accepted = request.headers.get("accept-language", "").lower()
    return "en" if "en" in accepted and "zh" not in accepted else "zh"


def problem(rooms: Rooms, request: Asked, status: int, retry_s: int = 0) -> Page:
    """The page of what went wrong, in the language of the address."""
    first = request.url.path.split("/")[1:2]
    lang: Lang = "en" if first == ["en"] else "zh" if first == ["zh"] else preferred(request)
    found = _page(rooms, "problem", lang, "", status=status, code=status, retry_s=retry_s)
    if retry_s:
        found.headers["Retry-After"] = str(retry_s)
    return found


def _known(rooms: Rooms, group: str) -> bool:
    groups = {party.group for party in rooms.desk.ledger.register.parties()}
    return group in groups or group == ALL_GROUPS


# The door


@get("/", sync_to_thread=False)
def root(request: Asked) -> Page:
    """To the pages in the browser's language."""
    return _go(f"/{preferred(request)}")


@get("/pages.css", sync_to_thread=False)
def style(rooms: Here) -> Response[str]:
    """The style sheet; its address changes with it."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(rooms.view.style, media_type="text/css", headers=headers)


def _start(rooms: Rooms, lang: Lang, purpose: str, here: str, **more: Any) -> Page:
    fields = {"wrong": "", "phone": ""} | more
    token = start_token(rooms)
    return _page(rooms, "start", lang, here, purpose=purpose, token=token, **fields)


@get("/{lang:str}", sync_to_thread=False)
def start(lang: Said, rooms: Here) -> Page:
    """Ask for the number."""
    return _start(rooms, _lang(lang), "", "")


@get("/{lang:str}/refuse", sync_to_thread=False)
def refuse(lang: Said, request: Asked, rooms: Here) -> Page:
    """Refuse one sender, or all: the page that a link in a message or an app leads to."""
    sender = request.query_params.get("sender", "")
    if not sender:
        return _start(rooms, _lang(lang), ALL_GROUPS, "/refuse")
    party = rooms.desk.ledger.register.party(sender)
    if party is None:
        raise NotFoundException
    return _start(rooms, _lang(lang), party.group, f"/refuse?sender={sender}")


@post("/{lang:str}/code", status_code=200)
async def ask(lang: Said, request: Asked, rooms: Here) -> Page:
    """Send a code to a number, known or not: the answer is the same."""
    said = _lang(lang)
    fields = await form_of(request, start_token(rooms), start_token(rooms, 1))
    purpose = fields.get("purpose", "")
    purpose = purpose if _known(rooms, purpose) else ""
    try:
        phone = Phone.parse("".join(fields.get("phone", "").split()))
    except ValueError:
        more = {"wrong": "phone", "phone": fields.get("phone", "")[:20], "status": 422}
        return _start(rooms, said, purpose, "", **more)
    person = rooms.desk.ledger.find(phone).key.hex()
    try:
        ticket, code = rooms.codes.ask(phone, person, came_from(request), purpose, rooms.when())
    except Busy as busy:
        return problem(rooms, request, 429, busy.retry_s)
    if code:
        rooms.post.send(phone, _code_text(rooms, said, code), "code")
    made = cookie(rooms, "ticket", ticket, rooms.settings.code_minutes * 60)
    return _go(f"/{said}/code", made)


def _code_text(rooms: Rooms, lang: Lang, code: str) -> str:
    minutes = rooms.settings.code_minutes
    if lang == "en":
        return f"Verification code {code}, valid for {minutes} minutes. Tell it to nobody."
    return f"您的验证码是{code},{minutes}分钟内有效,请勿告诉他人。"


@get("/{lang:str}/code", sync_to_thread=False)
def code_page(lang: Said, request: Asked, rooms: Here) -> Page:
    """Where the code is entered."""
    said = _lang(lang)
    ticket = held(rooms, request, "ticket")
    asked = rooms.codes.waits(ticket, rooms.when())
    return _go(f"/{said}") if asked is None else _code(rooms, said, ticket, asked.phone)


def _code(rooms: Rooms, lang: Lang, ticket: str, phone: Phone, wrong: str = "") -> Page:
    return _page(
        rooms,
        "code",
        lang,
        "/code",
        status=422 if wrong else 200,
        phone=mask(phone.digits),
        token=rooms.token(f"ticket {ticket}"),
        minutes=rooms.settings.code_minutes,
        number_hour_max=rooms.settings.number_hour_max,
        wrong=wrong,
    )


@post("/{lang:str}/enter", status_code=200)
async def enter(lang: Said, request: Asked, rooms: Here) -> Page:
    """Try the code. A right one opens a session under a key of its own; if the person came to
    refuse, that is recorded at once."""
    said, ticket = _lang(lang), held(rooms, request, "ticket")
    fields = await form_of(request, rooms.token(f"ticket {ticket}"))
    asked = rooms.codes.waits(ticket, rooms.when())
    ledger, digits = rooms.desk.ledger, "".join(fields.get("code", "").split())
    try:
        entered = rooms.codes.enter(
            ticket, digits, lambda phone: ledger.find(phone).key.hex(), rooms.when()
        )
        if entered.outcome == "wrong" and asked is not None:
            return _code(rooms, said, ticket, asked.phone, wrong="code")
        if entered.phone is None:
            return _start(
                rooms, said, asked.purpose if asked else "", "", wrong="over", status=422
            )
        session = rooms.sessions.begin(entered.phone, rooms.when())
    except Busy as busy:
        _log.warning(
            "nobody enters for a while", retry_s=busy.retry_s, sessions=len(rooms.sessions)
        )
        return problem(rooms, request, 429, busy.retry_s)
    done = ""
    if entered.purpose:
        done = f"?done={await _refuse(rooms, entered.phone, entered.purpose, said)}"
    age_s = rooms.settings.session_minutes * 60
    return _go(
        f"/{said}/peace{done}",
        cookie(rooms, "ticket", "", 0),
        cookie(rooms, "peace", session.key, age_s),
    )


async def _refuse(rooms: Rooms, phone: Phone, group: str, lang: Lang) -> int:
    """Record the refusal: from this commit on nothing of the group's marketing is released."""
    position = await rooms.clerk.write(
        consent.refuse, phone.digits, group, door="web", evidence="the person's own page"
    )
    if rooms.settings.confirm:
        name = rooms.view.group(group, lang)
        text = (
            f"You refused marketing from {name}. It is in force, entry {position}."
            if lang == "en"
            else f"您已拒收{name}的营销短信,已生效,记录编号{position}。"
        )
        rooms.post.send(phone, text, "confirmation")
    return position


@get("/{lang:str}/receipt", sync_to_thread=False)
def receipt(lang: Said, request: Asked, rooms: Here) -> Page:
    """What the code of a receipt stands for: anyone may look, and sees no number."""
    said, code = _lang(lang), request.query_params.get("code", "")[:_CODE_MAX]
    found = None
    if code:
        where = network(came_from(request))
        wait = rooms.checks.wait(where, rooms.when())
        if wait:
            return problem(rooms, request, 429, wait // 1000 + 1)
        rooms.checks.take(where, rooms.when())
        found = check(rooms.desk.ledger, code, rooms.when())
    return _page(rooms, "receipt", said, "/receipt", code=code, found=found)


# What is held


@get("/{lang:str}/peace")
async def overview(lang: Said, request: Asked, rooms: Here) -> Page:
    """Every consent, message and refusal of the number that was proven."""
    said, session = _lang(lang), session_of(rooms, request)
    if session is None:
        return _go(f"/{said}")
    ledger, now, bounds = rooms.desk.ledger, rooms.when(), rooms.settings
    found = await peace(ledger, rooms.wordings, session.phone, now)
    since = max(found.since, now - bounds.look_back_days * DAY_MS)
    search = await received(
        ledger, session.phone, since, most=bounds.messages_max, rows_max=bounds.rows_max
    )
    done = request.query_params.get("done", "")
    return _page(
        rooms,
        "peace",
        said,
        "/peace",
        phone=mask(session.phone.digits),
        found=found,
        search=search,
        shown={one.position for one in found.held},
        off={one.group for one in found.refused if one.in_force},
        all_groups=ALL_GROUPS,
        done=next((one for one in found.refused if str(one.position) == done), None),
        lifted=done == "lifted",
        minutes=max(1, (session.until - now) // 60_000),
        token=rooms.token(f"session {session.key}"),
    )


@post("/{lang:str}/withdraw", status_code=200)
async def withdraw(lang: Said, request: Asked, rooms: Here) -> Page:
    """Take back what one group holds, or all: one act, in force with its commit."""
    said, session = _lang(lang), session_of(rooms, request)
    if session is None:
        return _go(f"/{said}")
    fields = await form_of(request, rooms.token(f"session {session.key}"))
    group = fields.get("group", "")
    if not _known(rooms, group):
        raise HTTPException(status_code=422)
    return _go(f"/{said}/peace?done={await _refuse(rooms, session.phone, group, said)}")


@get("/{lang:str}/allow", sync_to_thread=False)
def allow_page(lang: Said, request: Asked, rooms: Here) -> Page:
    """Ask whether a refusal is to be taken back: nothing is ticked."""
    said, session = _lang(lang), session_of(rooms, request)
    if session is None:
        return _go(f"/{said}")
    return _allow(rooms, said, session, request.query_params.get("group", ""))


def _allow(rooms: Rooms, lang: Lang, session: Session, group: str, wrong: str = "") -> Page:
    if not _known(rooms, group):
        raise NotFoundException
    return _page(
        rooms,
        "allow",
        lang,
        f"/allow?group={group}",
        status=422 if wrong else 200,
        which=group,
        wrong=wrong,
        token=rooms.token(f"session {session.key}"),
    )


@post("/{lang:str}/allow", status_code=200)
async def allow(lang: Said, request: Asked, rooms: Here) -> Page:
    """Take a refusal back, by the person's own tick."""
    said, session = _lang(lang), session_of(rooms, request)
    if session is None:
        return _go(f"/{said}")
    fields = await form_of(request, rooms.token(f"session {session.key}"))
    group = fields.get("group", "")
    if fields.get("sure") != "yes":
        return _allow(rooms, said, session, group, wrong="sure")
    try:
        await rooms.clerk.write(lift, session.phone.digits, group, door="web")
    except InputError:
        raise HTTPException(status_code=422) from None
    return _go(f"/{said}/peace?done=lifted")


@post("/{lang:str}/leave", status_code=200)
async def leave(lang: Said, request: Asked, rooms: Here) -> Page:
    """Close the session in this browser."""
    said, session = _lang(lang), session_of(rooms, request)
    if session is not None:
        await form_of(request, rooms.token(f"session {session.key}"))
        rooms.sessions.end(session.key)
    return _go(f"/{said}", cookie(rooms, "peace", "", 0))


ROUTES: Final = (
    receipt,
    root,
    style,
    start,
    refuse,
    ask,
    code_page,
    enter,
    overview,
    withdraw,
    allow_page,
    allow,
    leave,
)
