"""A client of the HTTP API: its requests as methods, its answers as typed values.

::

    with Client("https://sms.example.cn:7880", key) as api:
        answers = api.send(Message(to="13800138000", text=text, declared="commercial"))

Each method is one route of docs/api.md. What the API refuses is raised as ``ProblemError``. A
request that it puts off (429, 503) or that finds no connection is repeated a few times, a
message under its first idempotency key, so that it is never sent twice.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from qingjing.doors.api import people as p
from qingjing.doors.api import shapes as s
from qingjing.doors.api import taking as c
from qingjing.doors.api.shapes import Message as Message  # what most programs need is here
from qingjing.doors.api.shapes import ProblemDetails

T = TypeVar("T")

TRIES: Final = 4
WAIT_S_MAX: Final = 30.0
"""A longer Retry-After is for the caller to decide about."""
SIGNATURE_AGE_S: Final = 300
"""How old a delivery may be: older ones may be played back by somebody."""

_MEDIA: Final = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}


class ProblemError(Exception):
    """What the API answered instead; ``details`` has it field by field."""

    def __init__(self, details: ProblemDetails, retry_s: float) -> None:
        """``retry_s``: after how many seconds it may go; 0 when it will not by waiting."""
        wrong = "; ".join(f"{e.field}: {e.problem}; {e.remedy}" for e in details.errors)
        super().__init__(f"{details.status} {details.title}: {wrong or details.detail}")
        self.details, self.retry_s = details, retry_s


class Client:
    """One account's way in. Close it, or use it as a context."""

    def __init__(
        self, url: str, key: str, *, timeout_s: float = 30.0, verify: Any = True
    ) -> None:
        """``verify``: as httpx has it, such as an ``ssl.SSLContext`` of your own authority."""
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout_s,
            verify=verify,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    # Messages

    def decide(self, question: s.Question) -> s.Explained:
        """Decide a message without sending it."""
        return self._ask("POST", "/v1/decide", s.Explained, question)

    def send(self, message: s.Message, *, key: str = "") -> s.Answers:
        """Send a message. Give a ``key`` of your own to be safe over a crash of yours, too."""
        return self._ask("POST", "/v1/messages", s.Answers, message, key=key or _new_key())

    def send_batch(self, messages: Sequence[s.Message], *, key: str = "") -> s.Answers:
        """Send messages, each for itself; a batch has at most a thousand."""
        batch = s.Messages(messages=list(messages))
        return self._ask("POST", "/v1/messages/batch", s.Answers, batch, key=key or _new_key())

    def message(self, message: str) -> s.Status:
        """What became of a message."""
        return self._ask("GET", f"/v1/messages/{message}", s.Status)

    def proof(self, message: str) -> bytes:
        """The bundle that ``qingjing verify`` checks."""
        return self._call("GET", f"/v1/messages/{message}/proof").content

    def reports(self, after: str = "", limit: int = 100) -> s.Reports:
        """A page of reports; ``next`` of one is ``after`` of the following."""
        query: dict[str, str | int] = {"after": after, "limit": limit}
        return self._ask("GET", "/v1/reports", s.Reports, query=query)

    def replies(self, after: str = "", limit: int = 100) -> s.Replies:
        """A page of replies."""
        query: dict[str, str | int] = {"after": after, "limit": limit}
        return self._ask("GET", "/v1/replies", s.Replies, query=query)

    def every_report(self, after: str = "") -> Iterator[s.Report]:
        """All reports after a cursor, page by page."""
        more = True
        while more:
            page = self.reports(after)
            yield from page.items
            after, more = page.next, page.more

    # People

    def record_consent(self, consent: p.Consent) -> p.Given:
        """Record a consent or request, as it was given."""
        return self._ask("POST", "/v1/consents", p.Given, consent)

    def show_wording(self, showing: c.Showing) -> c.Shown:
        """Words are about to be shown; the answer's token belongs to the act."""
        return self._ask("POST", "/v1/consents/showings", c.Shown, showing)

    def act(self, act: c.Act) -> c.Acted:
        """The person acts on words, now."""
        return self._ask("POST", "/v1/consents/acts", c.Acted, act)

    def record_paper(self, paper: c.Paper) -> c.Acted:
        """Record a consent on paper or by call."""
        return self._ask("POST", "/v1/consents/papers", c.Acted, paper)

    def confirm(self, confirmation: c.Confirmation) -> c.Acted:
        """The person confirms an act that waits."""
        return self._ask("POST", "/v1/consents/confirmations", c.Acted, confirmation)

    def withdraw_consent(self, withdrawal: p.Withdrawal) -> p.Recorded:
        """The person takes back what it agreed to."""
        return self._ask("POST", "/v1/consents/withdrawals", p.Recorded, withdrawal)

    def look_up(self, phone: str, reason: str) -> p.Person:
        """What a person agreed to and refused."""
        asked = p.LookUp(phone=phone, reason=reason)
        return self._ask("POST", "/v1/consents/lookups", p.Person, asked)

    def refuse(self, refusal: p.Refusal) -> p.Recorded:
        """Record a refusal."""
        return self._ask("POST", "/v1/refusals", p.Recorded, refusal)

    # Lists

    def scrub(self, path: Path, sender: str, category: str, **more: str) -> p.Job:
        """Hand in a list, ``.csv`` or ``.parquet``; ``more``: ``at``, ``phone_column``."""
        query = {"sender": sender, "category": category, **more}
        head = {"Content-Type": _MEDIA[path.suffix.lower()]}
        found = self._call("POST", "/v1/scrubs", query=query, body=path.read_bytes(), head=head)
        return msgspec.json.decode(found.content, type=p.Job)

    def scrubs(self) -> p.Jobs:
        """All lists of the account."""
        return self._ask("GET", "/v1/scrubs", p.Jobs)

    def scrubbed(self, name: str) -> p.Job:
        """How far a list has come."""
        return self._ask("GET", f"/v1/scrubs/{name}", p.Job)

    def scrub_result(self, name: str, out: Path) -> None:
        """Write the result of a list into a file."""
        out.write_bytes(self._call("GET", f"/v1/scrubs/{name}/result").content)

    def delete_scrub(self, name: str) -> None:
        """Delete a list and its result."""
        self._call("DELETE", f"/v1/scrubs/{name}")

    # Register and rulebooks

    def register(self, name: str = "") -> p.Entries:
        """What is registered under a name; without one, all parties."""
        return self._ask(
            "GET", f"/v1/register/{quote(name, safe='')}" if name else "/v1/register", p.Entries
        )

    def load_register(self, entries: p.RegisterIn) -> p.Written:
        """Record what is new in a description."""
        return self._ask("POST", "/v1/register", p.Written, entries)

    def suspend(self, suspension: p.Suspension) -> p.Written:
        """From now on nothing of a sender leaves."""
        return self._ask("POST", "/v1/register/suspensions", p.Written, suspension)

    def reinstate(self, reinstatement: p.Reinstatement) -> p.Written:
        """A suspension ends."""
        return self._ask("POST", "/v1/register/reinstatements", p.Written, reinstatement)

    def end_grant(self, end: p.GrantEnd) -> p.Written:
        """A grant holds no longer."""
        return self._ask("POST", "/v1/register/grant-ends", p.Written, end)

    def rulebooks(self) -> p.Books:
        """All adopted rulebooks."""
        return self._ask("GET", "/v1/rulebooks", p.Books)

    def rulebook_diff(self, old: str, new: str) -> p.Difference:
        """What differs from one to another."""
        query = {"old": old, "new": new}
        return self._ask("GET", "/v1/rulebooks/diff", p.Difference, query=query)

    # Webhooks

    def add_webhook(self, hook: s.Hook) -> s.NewHook:
        """Be told at an address; keep the secret, it is not told again."""
        return self._ask("POST", "/v1/webhooks", s.NewHook, hook)

    def webhooks(self) -> s.Hooks:
        """All webhooks of the account."""
        return self._ask("GET", "/v1/webhooks", s.Hooks)

    def delete_webhook(self, name: str) -> None:
        """Be told no more."""
        self._call("DELETE", f"/v1/webhooks/{name}")

    def dead_letters(self, name: str) -> s.DeadLetters:
        """Deliveries that were given up."""
        return self._ask("GET", f"/v1/webhooks/{name}/dead-letters", s.DeadLetters)

    def retry_dead_letters(self, name: str) -> s.Retried:
        """Have them tried again."""
        return self._ask("POST", f"/v1/webhooks/{name}/dead-letters/retries", s.Retried)

    # The service

    def health(self) -> p.Health:
        """Does it run?"""
        return self._ask("GET", "/health", p.Health)

    def ready(self) -> p.Ready:
        """Does it take messages?"""
        return self._ask("GET", "/ready", p.Ready)

    # How

    def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        given: s.In | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        key: str = "",
    ) -> T:
        body = None if given is None else msgspec.json.encode(given)
        head = {"Content-Type": "application/json"} if body else {}
        if key:
            head["Idempotency-Key"] = key
        found = self._call(method, path, query=query, body=body, head=head)
        return msgspec.json.decode(found.content, type=kind)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        head: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        safe = method == "GET" or "Idempotency-Key" in (head or {})
        for tries in range(1, TRIES + 1):
            try:
                found = self._http.request(
                    method, path, params=query, content=body, headers=head
                )
            except httpx.TransportError:
                if tries == TRIES or not safe:
                    raise
                time.sleep(2.0**tries / 4)
                continue
            if found.is_success:
                return found
            problem = _problem(found)
            again = found.status_code == 429 or (found.status_code == 503 and safe)
            if tries == TRIES or not again or problem.retry_s > WAIT_S_MAX:
                raise problem
            time.sleep(problem.retry_s or 2.0**tries / 4)
        raise AssertionError("the last try returns or raises")


def _problem(found: httpx.Response) -> ProblemError:
    try:
        details = msgspec.json.decode(found.content, type=ProblemDetails)
    except msgspec.MsgspecError:
        # Not of the API: a proxy on the way, or its server at its limit of connections.
        words = found.reason_phrase or "no answer of the API"
        details = ProblemDetails(
            type="about:blank", title=words, title_zh="", status=found.status_code, detail=words
        )
    wait = found.headers.get("Retry-After", "")
    return ProblemError(details, float(wait) if wait.isdigit() else 0.0)


def _new_key() -> str:
    return str(uuid.uuid4())


class SignatureError(Exception):
    """A delivery is not from the API, or is too old."""


def delivered(
    secret: str, headers: Mapping[str, str], body: bytes, now_s: float
) -> list[dict[str, Any]]:
    """The events of a delivery to a webhook, once its signature holds; else SignatureError.

    ``headers`` with names in lower case, ``now_s`` the receiver's clock. A delivery may come
    twice: its events are known by their ``id``.
    """
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(now_s - int(at)) > SIGNATURE_AGE_S:
        raise SignatureError("the delivery has no time, or is too old")
    word = b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(word, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    good = f"v1,{b64encode(mac).decode()}"
    given = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(good.encode(), one.encode()) for one in given):
        raise SignatureError("the signature is not of this secret")
    events: list[dict[str, Any]] = msgspec.json.decode(body)["events"]
    return events
