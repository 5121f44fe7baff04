"""The checks of the consent lint: each looks at a page and yields what is wrong.

A **site** is where a screen takes consent to marketing: something to tick, a question with
radios, a sentence, or a dialog's button. Most checks look at sites.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from qingjing.text import lint_words as words
from qingjing.text.lint_page import Control, Page, Passage, Place

_HIDDEN: Final = {
    "gone": ("样式使其不显示", "the style keeps it from being drawn"),
    "folded": ("折叠在需要点开的部分里", "it is folded away until someone opens it"),
    "tiny": ("字号小于10像素", "the letters are smaller than 10 pixels"),
    "faint": ("文字与背景颜色过于接近", "the letters have nearly the colour of the page"),
    "disabled": ("不能点击", "it cannot be pressed"),
}
_STATED: Final = (("type", "类型"), ("frequency", "频次"), ("term", "期限"))


class Hit(msgspec.Struct, frozen=True):
    """A finding before it has its words: ``fill`` is what is particular to it."""

    code: str
    quote: str
    place: Place
    fill: str = ""
    fill_en: str = ""


class Site(msgspec.Struct, frozen=True):
    """Where consent is taken: in which words, where, and what is said around it."""

    text: str
    place: Place
    scope: str
    passage: Passage | None = None
    required: bool = False


def run(page: Page) -> Iterator[Hit]:
    """All findings of a page; one thing may be found twice in the same place."""
    sites = list(_sites(page))
    for check in _PAGE_CHECKS:
        yield from check(page)
    for site in sites:
        for look in _SITE_CHECKS:
            yield from look(page, site)


def _sites(page: Page) -> Iterator[Site]:
    for control in page.controls:
        asks = words.markets(control.label) or (_leaves_out(control) and not control.on)
        if control.kind in ("box", "switch", "select") and asks:
            needed = control.required and control.kind == "box"
            yield Site(control.label, control.place, control.scope, required=needed)
    for members in _questions(page).values():
        yield Site(_asked(members), members[0].place, members[0].scope)
    for passage, at, sentence in _taking(page):
        yield Site(sentence, passage.place(at), passage.scope, passage)
    for members in _dialogs(page).values():
        yield Site(members[0].scope, members[0].place, members[0].scope)


def _leaves_out(control: Control) -> bool:
    """Whether it is to be ticked for not being sent anything."""
    return control.kind in ("box", "switch") and words.refuses_box(control.label)


def _taking(page: Page) -> Iterator[tuple[Passage, int, str]]:
    """The sentences that take consent and are no label of something to tick."""
    for passage in page.passages:
        for at, sentence in words.sentences(passage.text):
            if words.takes(sentence) and not page.labels(sentence.rstrip("。;!? ")):
                yield passage, at, sentence


def _questions(page: Page) -> dict[str, list[Control]]:
    """The radios that ask about marketing, by question."""
    groups: dict[str, list[Control]] = {}
    for control in page.controls:
        if control.kind == "radio":
            groups.setdefault(control.group, []).append(control)
    return {key: found for key, found in groups.items() if words.markets(_asked(found))}


def _asked(members: list[Control]) -> str:
    return members[0].asked or " ".join(control.label for control in members)


def _dialogs(page: Page) -> dict[tuple[int, str], list[Control]]:
    """The buttons of what asks for marketing by buttons alone."""
    groups: dict[tuple[int, str], list[Control]] = {}
    for control in page.controls:
        if control.kind == "button" and words.markets(control.scope):
            groups.setdefault((control.dialog, control.scope), []).append(control)
    ticked = {c.scope for c in page.controls if c.kind in ("box", "switch", "radio", "select")}
    return {
        key: found
        for key, found in groups.items()
        if key[1] not in ticked and any(words.YES.match(button.label) for button in found)
    }


# --- checks of a page -----------------------------------------------------------------------


def _preset(page: Page) -> Iterator[Hit]:
    """Boxes, switches, selects and unseen inputs that say yes before anyone did."""
    for control in page.controls:
        if not control.on:
            continue
        if control.kind == "hidden":
            yield Hit("box_preticked", control.label, control.place)
        elif control.kind in ("box", "switch", "select") and words.markets(control.label):
            code = "switch_on" if control.kind == "switch" else "box_preticked"
            yield Hit(code, control.label, control.place)
    for members in _questions(page).values():
        for radio in members:
            if radio.on and words.YES.match(radio.label):
                yield Hit("box_preticked", f"{_asked(members)}", radio.place)


def _bundled(page: Page) -> Iterator[Hit]:
    """One tick for terms and marketing; an act for something else that consents."""
    for control in page.controls:
        label = control.label
        if not words.markets(label):
            continue
        if control.kind in ("box", "switch") and words.agrees_to_terms(label):
            yield Hit("bundled_terms", label, control.place)
        if control.kind == "button" and words.SERVES_AND_SENDS.match(label):
            yield Hit("bundled_button", label, control.place)
    for passage in page.passages:
        for at, sentence in words.sentences(passage.text):
            if words.SERVED.search(sentence) and words.takes(sentence):
                yield Hit("bundled_button", sentence, passage.place(at))


def _buried(page: Page) -> Iterator[Hit]:
    """A sentence in long terms that takes consent."""
    for passage, at, sentence in _taking(page):
        if passage.terms:
            yield Hit("clause_buried", sentence, passage.place(at))


def _silent(page: Page) -> Iterator[Hit]:
    """No answer, going on, or an empty box for not being sent anything."""
    for passage in page.passages:
        if not words.markets(passage.text):
            continue
        for at, sentence in words.sentences(passage.text):
            if words.SILENCE.search(sentence):
                yield Hit("silence", sentence, passage.place(at))
    for control in page.controls:
        if _leaves_out(control) and not control.on:
            yield Hit("silence", control.label, control.place)


def _unseen(page: Page) -> Iterator[Hit]:
    """Words of consent that style hides."""
    for passage in page.passages:
        if passage.hidden and words.markets(passage.text):
            zh, en = _HIDDEN[passage.hidden]
            yield Hit("wording_hidden", passage.text, passage.lines[0][1], zh, en)


def _no_refusal(page: Page) -> Iterator[Hit]:
    """Questions that can only be answered with yes, or whose no can hardly be pressed."""
    for members in _questions(page).values():
        if not any(words.NO.search(radio.label) for radio in members):
            yield Hit(
                "refusal_harder", _asked(members), members[0].place,
                "没有拒绝的选项", "there is no answer that refuses",
            )  # fmt: skip
    for (dialog, _), buttons in _dialogs(page).items():
        no = [b for b in buttons if words.NO.search(b.label) and not words.YES.match(b.label)]
        yes = next(b for b in buttons if words.YES.match(b.label))
        if not no and dialog and dialog not in page.closes:
            how = ("没有拒绝按钮", "there is no button to decline")
            yield Hit("refusal_harder", yes.label, yes.place, *how)
        elif no and all(b.faint for b in no) and not yes.faint:
            zh, en = _HIDDEN[no[0].faint]
            how = (f"拒绝按钮{zh}", f"of the button to decline, {en}")
            yield Hit("refusal_harder", no[0].label, no[0].place, *how)


# --- checks of a site -----------------------------------------------------------------------


def _details(_: Page, site: Site) -> Iterator[Hit]:
    """Type, frequency and term of what is agreed to."""
    said = words.states(site.text)
    around = words.states(site.scope)
    have = {
        "type": said.type or around.type,
        "frequency": said.frequency or around.frequency,
        "term": said.term or around.term,
    }
    lacking = [(name, zh) for name, zh in _STATED if not have[name]]
    if lacking:
        zh, en = "、".join(z for _, z in lacking), ", ".join(name for name, _ in lacking)
        yield Hit("details_missing", site.text, site.place, zh, en)


def _others(_: Page, site: Site) -> Iterator[Hit]:
    """Senders who are not named."""
    for _at, sentence in words.sentences(site.text):
        match = words.UNNAMED.search(sentence)
        if match and words.markets(sentence):
            yield Hit("third_party", sentence, site.place, match.group(), match.group())
            return


def _forced(_: Page, site: Site) -> Iterator[Hit]:
    """Consent as the price of the service."""
    if site.required:
        yield Hit("forced", site.text, site.place)
        return
    for _at, sentence in words.sentences(site.scope):
        if words.FORCED.search(sentence) and (
            words.MARKETS.search(sentence) or sentence in site.text
        ):
            yield Hit("forced", sentence, site.place)
            return


def _for_ever(_: Page, site: Site) -> Iterator[Hit]:
    """No end, no way back, or a way back that costs."""
    said = site.passage.text if site.passage and site.passage.terms else site.scope
    for _at, sentence in words.sentences(f"{site.text}。{said}"):
        if words.NO_WAY_BACK.search(sentence):
            yield Hit("irrevocable", sentence, site.place)
            return


def _burdened(_: Page, site: Site) -> Iterator[Hit]:
    """A withdrawal by letter, visit or call where the consent takes a tap."""
    said = site.passage.text if site.passage and site.passage.terms else site.scope
    for _at, sentence in words.sentences(said):
        if words.BURDEN.search(sentence) and words.EASY.search(said) is None:
            how = ("撤回需要额外的步骤", "withdrawing takes steps that consenting does not")
            yield Hit("refusal_harder", sentence, site.place, *how)
            return


_PAGE_CHECKS: Final[tuple[Callable[[Page], Iterator[Hit]], ...]] = (
    _preset, _bundled, _buried, _silent, _unseen, _no_refusal,
)  # fmt: skip
_SITE_CHECKS: Final[tuple[Callable[[Page, Site], Iterator[Hit]], ...]] = (
    _details, _others, _forced, _for_ever, _burdened,
)  # fmt: skip
