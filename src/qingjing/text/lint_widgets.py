"""The things on a page that take an answer: boxes, switches, radios, selects and buttons.

Native elements, components of the usual libraries by tag, ARIA roles, and class names where a
library draws its own. A wrapper and what it wraps are one widget: on when any of them says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from qingjing.text.lint_tree import Node, Run, Tree
from qingjing.text.lint_words import YES, clean

BUTTON_MAX: Final = 24
"""A link with more characters is a sentence, not a button."""

_TAGS: Final = {"checkbox": "box", "radio": "radio", "switch": "switch", "toggle": "switch"}
_TAG: Final = re.compile(
    r"(?:[a-z]+[-.])?(checkbox|radio|switch|toggle)(?:[-.]?(?:item|button))?\Z", re.IGNORECASE
)
_ROLES: Final = {
    "checkbox": "box", "menuitemcheckbox": "box", "switch": "switch", "radio": "radio",
    "button": "button",
}  # fmt: skip
_CLASS: Final = re.compile(
    r"(?:[a-z]+[-_])?(?:form-)?(i?checkbox|switch|toggle|radio)(?![-_]?(?:group|list|cell|inner|label|icon|handle|node))"
    r"(?:(?:--?|_)[a-z0-9]+)*\Z",
    re.IGNORECASE,
)
_STATE_CLASS: Final = re.compile(
    r"(?:is-|mui-|layui-)?(?:checked|active|on|selected)\Z|.*(?:-checked|--on|--checked|_checked|-onswitch|__checked|-on)\Z",
    re.IGNORECASE,
)
_STATES: Final = (
    "aria-checked", "data-checked", "data-state", "data-on", "data-selected", ":checked",
    "v-bind:checked", "v-model", "v-model:checked", "v-model:value", ":model-value",
    ":modelvalue", ":value", ":default-checked", "[checked]", "[(ngmodel)]", "model:checked",
    "defaultchecked", "default-checked", "defaultvalue", ":default-value", "bind:checked",
)  # fmt: skip
_JSON_STATE: Final = re.compile(
    r"\"(?:checked|value|defaultChecked|on|enabled|selected)\"\s*:\s*(?:true|1)\b"
)
_OWN_WORDS: Final = re.compile(r"(?:开|关|on|off|是|否|yes|no)\Z", re.IGNORECASE)
_BUTTON_CLASS: Final = re.compile(
    r"(?:^|[-_ ])(?:btn|button|yes|no|ok|agree|decline|accept|refuse)"
)
_PRESS: Final = ("bindtap", "catchtap", "@click", "v-on:click", "onclick", "@tap", "bind:tap")
_WORD: Final = re.compile(r"[^\W\d_]")
_ANSWERS: Final = frozenset({"box", "switch", "radio", "select"})


class Widget(msgspec.Struct, eq=False):
    """One widget: ``node`` is its outermost element, ``group`` spans a radio's question."""

    kind: str
    node: Node
    core: Node
    on: bool | None = None
    label: str = ""
    required: bool = False
    group: Node | None = None


def find(tree: Tree) -> list[Widget]:
    """The widgets of a page in order, labelled, with their state at first."""
    cores = _cores(tree.root)
    counts = _counts(cores)
    found = [Widget(kind, _outermost(core, counts), core) for core, kind in cores]
    taken = {widget.node for widget in found} | {widget.core for widget in found}
    for widget in found:
        if widget.kind in _ANSWERS:
            around = _chain(widget)
            if any(_TAG_TOGGLE.search(" ".join(node.classes).lower()) for node in around):
                widget.kind = "switch" if widget.kind == "box" else widget.kind
            widget.on = _state(tree, widget, around)
            widget.required = _required(widget)
        widget.label = _label(tree, widget, taken)
    _group_radios(found)
    return found


_TAG_TOGGLE: Final = re.compile(r"(?:^|[\s_-])(?:switch|toggle)")


def _kind(node: Node) -> str:
    """What an element is by itself, without its class: empty for none of these."""
    kind = node.attrs.get("type", "text").lower()
    if node.tag == "input":
        if kind in ("checkbox", "radio"):
            return _TAGS[kind]
        return "button" if kind in ("submit", "button", "image", "reset") else ""
    if node.tag == "select":
        return "select"
    if match := _TAG.match(node.tag):
        return _TAGS[match[1].lower()]
    role = _ROLES.get(node.attrs.get("role", ""), "")
    if role:
        return role
    if any(_CLASS.match(name) for name in node.classes) and node.tag != "input":
        return "class"
    if node.tag == "button" or node.tag.endswith("-button"):
        return "button"
    pressed = node.tag in ("a", "navigator") or any(name in node.attrs for name in _PRESS)
    if pressed and 0 < len(node.text) <= BUTTON_MAX:
        return "button"
    if _BUTTON_CLASS.search(" ".join(node.classes)) and 0 < len(node.text) <= BUTTON_MAX:
        return "button"
    return ""


def _cores(root: Node) -> list[tuple[Node, str]]:
    """The innermost elements that are widgets; class names count where nothing else does."""
    firm: list[tuple[Node, str]] = []
    drawn: list[Node] = []
    for node in root.walk():
        kind = _kind(node)
        if kind == "class":
            drawn.append(node)
        elif kind:
            firm.append((node, kind))
    covered = {above for node, kind in firm if kind in _ANSWERS for above in node.ancestors()}
    # A role or component around a native input is the same widget.
    firm = [(n, k) for n, k in firm if k == "button" or n not in covered or n.tag == "select"]
    answering = {node for node, kind in firm if kind in _ANSWERS}
    kept: list[tuple[Node, str]] = list(firm)
    for node in drawn:
        chain = {node, *node.ancestors()}
        inside = any(
            other in chain for other, _ in kept if other in answering or other in drawn
        )
        # Beside a native input in one label it is only how that input looks.
        beside = any(n.tag == "label" and n in covered for n in node.ancestors())
        if node in covered or node in answering or inside or beside:
            continue
        if not node.attrs.get("for"):
            kept.append((node, _class_kind(node)))
            answering.add(node)
    result = [
        (n, k)
        for n, k in kept
        if k != "button" or answering.isdisjoint({n, *n.walk(), *n.ancestors()})
    ]
    return sorted(result, key=lambda pair: pair[0].offset)


def _class_kind(node: Node) -> str:
    for name in node.classes:
        if match := _CLASS.match(name):
            word = match[1].lower()
            return "radio" if word == "radio" else "box" if "checkbox" in word else "switch"
    return "box"


def _counts(cores: Iterable[tuple[Node, str]]) -> dict[Node, int]:
    """How many answering widgets each element holds."""
    counts: dict[Node, int] = {}
    for core, kind in cores:
        if kind in _ANSWERS:
            for above in core.ancestors():
                counts[above] = counts.get(above, 0) + 1
    return counts


def _outermost(core: Node, counts: dict[Node, int]) -> Node:
    """The outermost wrapper of a widget that is drawn around it alone."""
    outer = core
    for above in core.ancestors():
        drawn = any(_CLASS.match(name) for name in above.classes) or _TAG.match(above.tag)
        if counts.get(above, 0) != 1 or len(above.text) > 200:
            break
        if drawn:
            outer = above
    return outer


def _chain(widget: Widget) -> list[Node]:
    """The widget's elements: from the wrapper to the core, and what the core holds."""
    chain = [widget.core, *widget.core.walk()]
    for above in widget.core.ancestors():
        if widget.core is widget.node:
            break
        chain.append(above)
        if above is widget.node:
            break
    if widget.core is not widget.node:
        chain += [n for n in widget.node.walk() if n not in chain and n.tag in ("i", "span")]
    return chain


def _state(tree: Tree, widget: Widget, chain: list[Node]) -> bool | None:
    if widget.kind == "select":
        return _chosen(widget.core)
    states: list[bool] = []
    for node in chain:
        if any(_STATE_CLASS.match(name) for name in node.classes):
            states.append(True)
        if any(_JSON_STATE.search(v) for k, v in node.attrs.items() if k.startswith("data-")):
            states.append(True)
        for name in _STATES:
            if name in node.attrs and (said := tree.initial(node.attrs[name])) is not None:
                states.append(said)
        if "checked" in node.attrs:
            states.append(_checked(tree, node))
    return any(states) if states else None


def _chosen(select: Node) -> bool | None:
    """Whether a select begins with a yes; without a choice the first option is chosen."""
    options = [node for node in select.walk() if node.tag == "option"]
    if not options:
        return None
    chosen = next((node for node in options if "selected" in node.attrs), options[0])
    return YES.match(clean(chosen.text)) is not None


def _checked(tree: Tree, node: Node) -> bool:
    """A ``checked`` attribute: in HTML its presence is enough, whatever its value."""
    written = node.attrs["checked"].strip()
    if node.tag == "input" and "{" not in written:
        return True
    return written in ("", "checked") or tree.initial(written) is True


def _required(widget: Widget) -> bool:
    nodes = (widget.core, widget.node)
    return any("required" in n.attrs or n.attrs.get("aria-required") == "true" for n in nodes)


def _label(tree: Tree, widget: Widget, taken: set[Node]) -> str:
    """What a widget says: its label, its own words, or the words beside it."""
    core, node = widget.core, widget.node
    if widget.kind == "button":
        return node.text or node.attrs.get("value", "") or node.attrs.get("aria-label", "")
    named = _named(tree.root, core)
    if named:
        return named
    for above in (core, *core.ancestors()):
        if above.tag == "label" and _count(above, taken) <= 1 and _says(_without(above, core)):
            return _without(above, core)
    own = node.text if node is not core and widget.kind != "select" else ""
    if _says(own):
        return own
    if widget.kind != "select" and _says(core.text):
        return core.text
    return _beside(widget, taken)


def _named(root: Node, core: Node) -> str:
    """The label that points to an element, or its ARIA name."""
    wanted = core.attrs.get("id", "")
    if wanted:
        texts = [n.text for n in root.walk() if n.attrs.get("for") == wanted]
        texts += [n.text for n in root.walk() if n.attrs.get("htmlfor") == wanted]
        if texts:
            return " ".join(texts)
    if ids := core.attrs.get("aria-labelledby", "").split():
        texts = [n.text for n in root.walk() if n.attrs.get("id") in ids]
        if texts:
            return " ".join(texts)
    return core.attrs.get("aria-label", "")


def _without(label: Node, core: Node) -> str:
    """A label's text without that of a select inside it."""
    return label.text.replace(core.text, " ") if core.tag == "select" else label.text


def _says(text: str) -> bool:
    plain = text.strip()
    return len(_WORD.findall(plain)) >= 2 and _OWN_WORDS.match(plain) is None


def _count(node: Node, taken: set[Node]) -> int:
    return len({n for n in node.walk() if _kind(n) in _ANSWERS and n in taken})


def _beside(widget: Widget, taken: set[Node]) -> str:
    """The words beside a widget, looked for in its parent, the parent's parent, and so on."""
    first = widget.kind in ("box", "radio")
    at = widget.node
    while at.parent is not None:
        siblings = at.parent.children
        index = siblings.index(at)
        after = _words(siblings[index + 1 :], taken)
        before = _words(list(reversed(siblings[:index])), taken, backwards=True)
        pairs = (after, before) if first else (before, after)
        for words in pairs:
            if _says(words):
                return words
        at = at.parent
    return ""


def _words(items: list[Node | Run], taken: set[Node], *, backwards: bool = False) -> str:
    """The text of siblings up to the next widget or the end of the line."""
    words: list[str] = []
    for item in items:
        if isinstance(item, Run):
            words.append(item.text)
            continue
        # Links to terms stand inside a label's sentence; other widgets end it.
        if item.tag != "a" and (item in taken or not taken.isdisjoint(item.walk())):
            break
        if item.tag == "br" and _says("".join(words)):
            break
        if not item.inline and item.tag not in ("td", "th") and _says("".join(words)):
            break
        words.append(item.text if item.inline else f" {item.text} ")
    if backwards:
        words.reverse()
    return " ".join("".join(words).split())


def _group_radios(found: list[Widget]) -> None:
    """Give the radios of one question the smallest element that holds them and the question."""
    sets: dict[str, list[Widget]] = {}
    for widget in found:
        if widget.kind == "radio":
            parent = widget.node.parent or widget.node
            grand = parent.parent or parent
            key = widget.core.attrs.get("name") or f"@{grand.offset}"
            sets.setdefault(key, []).append(widget)
    for members in sets.values():
        shared = list(members[0].node.ancestors())
        for member in members[1:]:
            above = set(member.node.ancestors())
            shared = [n for n in shared if n in above]
        others = {widget.node for widget in found if widget.kind in _ANSWERS} - {
            member.node for member in members
        }
        # Beyond another widget begins another question.
        shared = [n for n in shared if others.isdisjoint(n.walk())]
        labels = sum(len(member.label) for member in members)
        group = next((n for n in shared if len(n.text) > labels + 4), None)
        for member in members:
            member.group = group or (shared[0] if shared else member.node)
