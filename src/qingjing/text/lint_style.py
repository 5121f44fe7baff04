"""What of a page cannot be seen: the few properties of style that hide words from a reader.

Style sheets are read as far as class, id and element selectors go; later rules win, inline
style wins over all. Sizes are those of a phone: 1 rpx is half a pixel, 1 rem is 16.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from qingjing.text.lint_tree import Node

FONT_MIN_PX: Final = 10.0
"""Smaller letters count as hidden: 12 is the usual floor of Chinese pages, and of browsers."""

CONTRAST_MIN: Final = 2.5
"""Less counts as hidden. WCAG asks for 4.5; the usual grey #999 on white has 2.8, legibly."""

OPACITY_MIN: Final = 0.4
"""Less counts as hidden: black on white then has a contrast of 2.5 or less."""

_RULE: Final = re.compile(r"([^{}]{1,2000})\{([^{}]*)\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_PRINT: Final = re.compile(r"@media[^{}]*print[^{}]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_COMPOUND: Final = re.compile(r"([a-z][a-z0-9-]*|\*)?((?:[.#][\w-]+)*)\Z", re.IGNORECASE)
_SIZE: Final = re.compile(r"(-?[0-9]*\.?[0-9]+)\s*(px|rpx|upx|rem|em|pt|%)?\Z")
_PIXELS: Final = {
    None: 1.0, "px": 1.0, "rpx": 0.5, "upx": 0.5, "rem": 16.0, "em": 16.0, "pt": 4 / 3,
    "%": 0.16,
}  # fmt: skip
_NAMED: Final = {
    "white": "#ffffff", "black": "#000000", "gray": "#808080", "grey": "#808080",
    "silver": "#c0c0c0", "lightgray": "#d3d3d3", "lightgrey": "#d3d3d3", "gainsboro": "#dcdcdc",
    "whitesmoke": "#f5f5f5", "red": "#ff0000", "darkgray": "#a9a9a9",
}  # fmt: skip
_FAINT_CLASS: Final = re.compile(r"text-(?:gray|zinc|slate|neutral|stone)-(?:50|[123]00)\Z")
_SMALL_CLASS: Final = re.compile(r"text-\[([0-9.]+)px\]\Z")
_GONE_CLASSES: Final = frozenset(
    {"hidden", "d-none", "sr-only", "visually-hidden", "invisible", "opacity-0", "hide"}
)
_FALSE: Final = frozenset({"false", "{{false}}", "{{ false }}", "0"})


Path: TypeAlias = list[tuple[str, set[str]]]
"""A selector: (element, classes and id) of each compound, outermost first."""


class Styles:
    """The style sheets of one page."""

    def __init__(self, sheets: str) -> None:
        self._rules: list[tuple[Path, dict[str, str]]] = []
        self._by_mark: dict[str, list[int]] = {}
        self._known: dict[Node, dict[str, str]] = {}
        self._hides: dict[Node, tuple[str, Node | None]] = {}
        plain = _PRINT.sub("", _COMMENT.sub("", sheets))
        for match in _RULE.finditer(plain):
            declared = declarations(match[2])
            for selector in match[1].split(","):
                path = _path(selector)
                if path and declared:
                    tag, marks = path[-1]
                    self._by_mark.setdefault(min(marks, default=tag), []).append(
                        len(self._rules)
                    )
                    self._rules.append((path, declared))

    def of(self, node: Node) -> dict[str, str]:
        """What is declared for an element itself, inherited values left out."""
        if node in self._known:
            return self._known[node]
        found: dict[str, str] = {}
        keys = (node.tag, "*", *node.marks)
        for index in sorted(i for key in keys for i in self._by_mark.get(key, ())):
            path, declared = self._rules[index]
            if _fits(path, node):
                found |= declared
        for name in node.classes:
            if _FAINT_CLASS.match(name):
                found["color"] = "#d1d5db"
            elif small := _SMALL_CLASS.match(name):
                found["font-size"] = f"{small[1]}px"
        self._known[node] = found | declarations(node.attrs.get("style", ""))
        return self._known[node]

    def hides(self, node: Node) -> tuple[str, Node | None]:
        """Why the words of an element cannot be seen, and the element that hides them.

        ``gone`` (not drawn at all), ``folded``, ``tiny``, ``faint``; empty when they can.
        """
        if node not in self._hides:
            self._hides[node] = self._look(node)
        return self._hides[node]

    def _look(self, node: Node) -> tuple[str, Node | None]:
        chain = [node, *node.ancestors()]
        styles = [self.of(each) for each in chain]
        for each, style in zip(chain, styles, strict=True):
            if _gone(each, style):
                return "gone", each
            if each.tag == "details" and "open" not in each.attrs and not _summary(node, each):
                return "folded", each
        size = next((px for s in styles if (px := _pixels(s.get("font-size")))), None)
        if size is not None and size < FONT_MIN_PX:
            return "tiny", None
        ink = next((c for s in styles if (c := _colour(s.get("color", "")))), (0, 0, 0))
        paper = next((c for s in styles if (c := _background(s))), (255, 255, 255))
        if contrast(ink, paper) < CONTRAST_MIN:
            return "faint", None
        return "", None


def declarations(text: str) -> dict[str, str]:
    """``a: b; c: d`` as a mapping, lower case, without ``!important``."""
    pairs = (part.split(":", 1) for part in text.lower().split(";") if ":" in part)
    return {name.strip(): value.replace("!important", "").strip() for name, value in pairs}


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast of two colours as WCAG 2 defines it, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _path(selector: str) -> Path:
    """A selector's compounds, outermost first; empty for what is not understood."""
    path = []
    for part in selector.replace(">", " ").split():
        match = _COMPOUND.match(part)
        if match is None:
            return []
        path.append(((match[1] or "*").lower(), set(re.findall(r"[.#][\w-]+", match[2]))))
    return path


def _fits(path: Path, node: Node) -> bool:
    if not _is(path[-1], node):
        return False
    wanted = list(path[:-1])
    for above in node.ancestors():
        if wanted and _is(wanted[-1], above):
            wanted.pop()
    return not wanted


def _is(compound: tuple[str, set[str]], node: Node) -> bool:
    tag, marks = compound
    if tag not in ("*", node.tag):
        return False
    return marks <= node.marks


def _gone(node: Node, style: dict[str, str]) -> bool:
    attrs = node.attrs
    if not _GONE_CLASSES.isdisjoint(node.classes):
        return True
    if "hidden" in attrs and attrs["hidden"].strip() not in _FALSE:
        return True
    if any(attrs.get(name, "").strip() in _FALSE for name in ("v-if", "v-show", "wx:if")):
        return True
    if style.get("display") == "none" or style.get("visibility") == "hidden":
        return True
    opacity = _SIZE.match(style.get("opacity", "1"))
    if opacity is not None and float(opacity[1]) < OPACITY_MIN:
        return True
    for name in ("height", "max-height", "width"):
        if style.get(name) and _pixels(style[name]) == 0:
            return True
    for name in ("left", "top", "text-indent", "margin-left"):
        moved = _pixels(style.get(name))
        if moved is not None and moved <= -500:
            return True
    scale = re.search(r"scale\(\s*(0?\.[0-9]+|0)\s*\)", style.get("transform", ""))
    return scale is not None and float(scale[1]) < 0.6


def _summary(node: Node, details: Node) -> bool:
    """Whether an element stands in the line of a folded part that is always seen."""
    for each in (node, *node.ancestors()):
        if each is details:
            return False
        if each.tag == "summary":
            return True
    return False


def _pixels(value: str | None) -> float | None:
    match = _SIZE.match(value or "")
    return None if match is None else float(match[1]) * _PIXELS[match[2]]


def _background(style: dict[str, str]) -> tuple[int, int, int] | None:
    for name in ("background-color", "background"):
        for word in re.findall(r"#[0-9a-f]+|rgba?\([^)]*\)|[a-z]+", style.get(name, "")):
            if colour := _colour(word):
                return colour
    return None


def _colour(value: str) -> tuple[int, int, int] | None:
    value = _NAMED.get(value, value)
    if match := re.match(r"#([0-9a-f]{3})[0-9a-f]?\Z", value):
        return int(match[1][0] * 2, 16), int(match[1][1] * 2, 16), int(match[1][2] * 2, 16)
    if match := re.match(r"#([0-9a-f]{6})(?:[0-9a-f]{2})?\Z", value):
        return int(match[1][:2], 16), int(match[1][2:4], 16), int(match[1][4:], 16)
    match = re.match(
        r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+([0-9]*\.?[0-9]+))?", value
    )
    if match is None:
        return None
    alpha = min(1.0, float(match[4])) if match[4] else 1.0
    if alpha == 0.0:
        return None
    mixed = [min(255, round(255 - alpha * (255 - min(255, int(match[n]))))) for n in (1, 2, 3)]
    return mixed[0], mixed[1], mixed[2]
