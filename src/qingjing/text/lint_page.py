"""A consent screen as the checks see it: its controls with their labels, and its passages.

The same shape for markup and for plain text, so that a check is written once.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

import msgspec

from qingjing.text import lint_widgets as widgets
from qingjing.text.lint_style import Styles
from qingjing.text.lint_tree import Node, Run, Tree
from qingjing.text.lint_widgets import Widget
from qingjing.text.lint_words import clean

SCOPE_MAX: Final = 400
"""Characters around a control that count as said with it; what is farther off is elsewhere."""

TERMS_MIN: Final = 200
"""A container of fewer characters is no long text in which a clause could be buried."""

_NUMBERED: Final = re.compile(
    r"(?:\A|\n)\s*(?:第[一二三四五六七八九十0-9]{1,3}[条章款节]|[一二三四五六七八九十]{1,3}[、.,]"
    r"|[0-9]{1,2}(?:\.[0-9]{1,2})*[、.,\s]|[((][一二三四五六七八九十0-9]{1,3}[))])"
)
_HIDDEN_NAME: Final = re.compile(
    r"(?=.*(?:sms|market|promo|advert|\bads?\b|newsletter|duanxin|yingxiao))"
    r"(?=.*(?:accept|agree|consent|allow|opt_?in|subscribe|receive|enable|auth|ok\b|tongyi))"
)
_DIALOG: Final = re.compile(r"dialog|modal|popup|pop-?over|alert|sheet|overlay|\bpop\b|layer")
_CLOSE: Final = re.compile(r"close|cancel|dismiss")


class Place(msgspec.Struct, frozen=True):
    """Where something is: line from 1, offset in the source from 0, selector (markup only)."""

    line: int
    offset: int
    selector: str = ""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tick, switch, choose or press.

    ``kind``: box, switch, radio, select, button or hidden. ``on``: its state at first, None
    when unknown. ``label`` and ``scope`` (what is said around it) are clean. ``group`` is what
    the radios of one question share, ``asked`` their question. ``faint``: why it can hardly be
    seen or pressed. ``dialog`` numbers the dialog that it stands in, 0 for none.
    """

    kind: str
    label: str
    place: Place
    scope: str
    on: bool | None = None
    group: str = ""
    asked: str = ""
    required: bool = False
    faint: str = ""
    dialog: int = 0


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of clean text, about a paragraph.

    ``lines`` are (offset in ``text``, place) of its pieces. ``hidden`` says why it cannot be
    seen. ``terms``: it is part of long terms.
    """

    text: str
    lines: tuple[tuple[int, Place], ...]
    scope: str
    hidden: str = ""
    terms: bool = False

    def place(self, at: int) -> Place:
        """Where an offset of the text stands in the source."""
        found = self.lines[0][1]
        for start, place in self.lines:
            if start > at:
                break
            found = place
        return found


class Page(msgspec.Struct, frozen=True, dict=True):
    """A screen. ``closes`` are the numbers of dialogs that can be closed without an answer."""

    controls: tuple[Control, ...]
    passages: tuple[Passage, ...]
    closes: frozenset[int] = frozenset()

    def labels(self, text: str) -> bool:
        """Whether a text is part of the label of something to tick, switch or choose."""
        return text.replace(" ", "") in self._labels

    @cached_property
    def _labels(self) -> str:
        return "\n".join(
            control.label.replace(" ", "")
            for control in self.controls
            if control.kind not in ("button", "hidden")
        )


def numbered(text: str) -> bool:
    """Whether a text looks like terms: long, with three numbered clauses or more."""
    return len(text) >= TERMS_MIN and len(_NUMBERED.findall(text)) >= 3


class _Reader:
    """Reads one tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.styles = tree, Styles(tree.styles)
        self.widgets = widgets.find(tree)
        self.dialogs: dict[Node, int] = {}
        self._closes: set[int] = set()
        self._numbered: dict[Node, bool] = {}
        for node in tree.root.walk():
            names = " ".join((node.tag, node.attrs.get("role", ""), *node.classes)).lower()
            if _DIALOG.search(names) and node.text:
                self.dialogs[node] = len(self.dialogs) + 1
        for node in tree.root.walk():
            named = f"{' '.join(node.classes)} {node.attrs.get('aria-label', '')}".lower()
            if _CLOSE.search(named) and node.tag != "body" and len(node.text) <= 8:
                self._closes.add(self._dialog(node))

    def page(self) -> Page:
        """The tree as a page."""
        controls = [self._control(widget) for widget in self.widgets]
        return Page(
            (*controls, *self._unseen()),
            tuple(self._passages()),
            frozenset(self._closes - {0}),
        )

    def _dialog(self, node: Node) -> int:
        return next(
            (self.dialogs[n] for n in (node, *node.ancestors()) if n in self.dialogs), 0
        )

    def _scope(self, node: Node) -> str:
        """The text of the largest element around one that is still near it."""
        best = node
        for above in node.ancestors():
            if len(above.text) > SCOPE_MAX:
                break
            best = above
        return clean(best.text)

    def _control(self, widget: Widget) -> Control:
        node = widget.node
        hidden = ""
        if widget.kind == "button":
            hidden, _ = self.styles.hides(node)
            if "disabled" in node.attrs and node.attrs["disabled"] not in (
                "false",
                "{{false}}",
            ):
                hidden = hidden or "disabled"
        asked = ""
        if widget.kind == "radio" and widget.group is not None:
            asked = clean(widget.group.text)
        return Control(
            kind=widget.kind,
            label=clean(widget.label),
            place=Place(node.line, node.offset, node.selector()),
            scope=self._scope(node),
            on=widget.on,
            group="" if widget.group is None else str(widget.group.offset),
            asked=asked,
            required=widget.required,
            faint=hidden,
            dialog=self._dialog(node),
        )

    def _unseen(self) -> list[Control]:
        """Inputs that nobody sees and that say yes to marketing."""
        found = []
        for node in self.tree.root.walk():
            if node.tag != "input" or node.attrs.get("type", "").lower() != "hidden":
                continue
            name = f"{node.attrs.get('name', '')} {node.attrs.get('id', '')}".lower()
            if _HIDDEN_NAME.search(name) and self.tree.initial(node.attrs.get("value", "")):
                place = Place(node.line, node.offset, node.selector())
                label = f"{node.attrs.get('name', '')}={node.attrs.get('value', '')}"
                found.append(
                    Control(kind="hidden", label=label, place=place, scope="", on=True)
                )
        return found

    def _passages(self) -> list[Passage]:
        """The page's text, cut where lines end and where the words' visibility changes."""
        found: list[Passage] = []
        held: list[Run] = []
        why = ""

        def flush() -> None:
            if held and (passage := self._passage(held, why)) is not None:
                found.append(passage)
            held.clear()

        for item in self.tree.root.runs():
            if isinstance(item, Node):
                flush()
                continue
            hidden = self._hidden(item.parent)
            if hidden != why or (held and held[-1].parent.tag in ("textarea", "pre")):
                flush()
                why = hidden
            held.append(item)
        flush()
        return found

    def _hidden(self, node: Node) -> str:
        """Why words are hidden; a dialog that is not open yet is shown when its turn comes."""
        why, by = self.styles.hides(node)
        if by is not None:
            within = {by, *by.walk()}
            if any(widget.node in within for widget in self.widgets):
                return ""
        return why

    def _passage(self, runs: list[Run], why: str) -> Passage | None:
        text, lines = "", []
        for run in runs:
            lead = len(run.text) - len(run.text.lstrip())
            piece = clean(run.text)
            if piece:
                glue = " " if text and not (text[-1] > "\u2e7f" or piece[0] > "\u2e7f") else ""
                text += glue
                selector = run.parent.selector()
                lines.append((len(text), Place(run.line, run.offset + lead, selector)))
                text += piece
        if not text:
            return None
        parent = runs[0].parent
        return Passage(
            text=text,
            lines=tuple(lines),
            scope=self._scope(parent),
            hidden=why,
            terms=self._in_terms(parent, text),
        )

    def _in_terms(self, node: Node, text: str) -> bool:
        """Whether a passage is a small part of a long text that reads like terms."""
        for above in (node, *node.ancestors()):
            length = len(above.text)
            if length < TERMS_MIN or length < 3 * len(text):
                continue
            if above not in self._numbered:
                pieces = (run.text if isinstance(run, Run) else "\n" for run in above.runs())
                self._numbered[above] = numbered("\n".join(pieces))
            return self._numbered[above]
        return False


def read_markup(source: str) -> Page:
    """Markup of whatever framework as a page. Total: what is no markup is text."""
    return _Reader(Tree(source)).page()
