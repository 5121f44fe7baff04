"""A page's markup as a tree: HTML, rendered components, Vue and mini-program templates, JSX.

The standard library's tolerant parser reads all of these, because each is elements with
attributes. What a page would do when run is not known here; ``initial`` reads the states that
the markup and its scripts themselves start with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from typing import Final

DEPTH_MAX: Final = 100
"""Deeper elements are read as siblings: no screen that a person sees nests so far."""

_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
)
_CLOSES_ITSELF: Final = {
    "li": {"li"},
    "p": {"p"},
    "option": {"option"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "tr": {"tr", "td", "th"},
    "td": {"td", "th"},
    "th": {"td", "th"},
}
_UNSEEN: Final = frozenset({"script", "style", "head", "noscript", "wxs"})
_INLINE: Final = frozenset(
    {"a", "b", "em", "font", "i", "ins", "label", "small", "span", "strong", "sub", "sup"}
    | {"abbr", "code", "mark", "nobr", "text", "u"}
)
_JSX: Final = re.compile(r"(?:\A|\n)\s*import\s.+\sfrom\s|className=|useState\(|=>\s*[({]?\s*<")
_FIRST_TAG: Final = re.compile(r"<[A-Za-z][\w.-]*(?:\s+[\w@:.-]+=|\s*/?>)")
_SPACES: Final = re.compile(r"\s+")


class Run:
    """A stretch of text on one line. ``offset`` is where it begins in the source."""

    __slots__ = ("line", "offset", "parent", "text")

    def __init__(self, text: str, line: int, offset: int, parent: Node) -> None:
        self.text, self.line, self.offset, self.parent = text, line, offset, parent


class Node:
    """An element. Attribute names are lower case; an attribute without value is empty."""

    def __init__(
        self, tag: str, attrs: dict[str, str], parent: Node | None, line: int, offset: int
    ) -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.line, self.offset = line, offset
        self.children: list[Node | Run] = []
        self.depth: int = 0 if parent is None else parent.depth + 1

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names, those of React and of expressions too."""
        written = self.attrs.get("class") or self.attrs.get("classname") or ""
        return tuple(re.findall(r"[\w:\[\]/#.-]+", written))

    @cached_property
    def text(self) -> str:
        """All its text with white space collapsed; that of scripts and styles is not."""
        return _SPACES.sub(" ", self._spoken).strip()

    @cached_property
    def _spoken(self) -> str:
        # ``Tree`` asks from the leaves up, so that each asks its children alone.
        return "".join(
            child.text
            if isinstance(child, Run)
            else ""
            if child.tag in _UNSEEN
            else child._spoken
            if child.inline
            else f" {child._spoken} "
            for child in self.children
        )

    @cached_property
    def marks(self) -> frozenset[str]:
        """Its classes and id as selectors write them."""
        return frozenset({f".{name}" for name in self.classes} | {f"#{self.attrs.get('id')}"})

    @property
    def inline(self) -> bool:
        """Whether it stands within a line of text."""
        return self.tag in _INLINE

    def ancestors(self) -> Iterator[Node]:
        """Its parent, the parent's parent, up to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def walk(self) -> Iterator[Node]:
        """All elements below it, in the order of the source."""
        stack = [child for child in reversed(self.children) if isinstance(child, Node)]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(c for c in reversed(node.children) if isinstance(c, Node))

    def runs(self) -> Iterator[Run | Node]:
        """Its text runs in order, and each element that begins or ends a line between them."""
        stack: list[Node | Run] = list(reversed(self.children))
        while stack:
            item = stack.pop()
            if isinstance(item, Run) or item.tag == "br":
                yield item
            elif item.tag not in _UNSEEN:
                if not item.inline:
                    yield item
                    stack.append(Node("br", {}, self, item.line, item.offset))
                stack.extend(reversed(item.children))

    def selector(self) -> str:
        """Where it is, for a reader who looks for it: up to four elements of its path."""
        path = [_step(self)]
        for node in self.ancestors():
            if len(path) == 4 or node.tag in ("", "html"):
                break
            path.append(_step(node))
            if node.attrs.get("id"):
                break
        return " > ".join(reversed(path))


def _step(node: Node) -> str:
    if node.attrs.get("id"):
        return f"{node.tag}#{node.attrs['id']}"
    if node.attrs.get("name"):
        return f"{node.tag}[name={node.attrs['name']}]"
    return node.tag + "".join(f".{name}" for name in node.classes[:1])


class Tree:
    """A parsed page: its root, and the text of its scripts and style sheets."""

    def __init__(self, source: str) -> None:
        code = ""
        if _JSX.search(source[:20_000]) and (first := _FIRST_TAG.search(source)):
            # Code before the markup is blanked, so that places stay what they are.
            code = source
            blank = re.sub(r"[^\n]", " ", source[: first.start()])
            source = blank + source[first.start() :]
        builder = _Builder(source)
        self.root = builder.root
        for node in reversed(list(self.root.walk())):
            node._spoken  # noqa: B018  # asked for, so that it is known
        self.scripts = "\n".join([code, *builder.of("script")])
        self.styles = "\n".join(builder.of("style"))

    def initial(self, written: str) -> bool | None:
        """Whether a bound value is true at first; None when nothing here says so.

        Understands ``true``, ``{{true}}``, ``{x}``, ``a.x``, ``!x``, and looks x up in the
        scripts: ``x: true``, ``x = ref(true)``, ``[x, setX] = useState(true)``.
        """
        value = written.strip().strip("{}").strip().strip("'\"").strip()
        denied = value.startswith("!")
        name = value.lstrip("!").removeprefix("this.").strip()
        found = None
        if name.lower() not in _TRUTH or ("{" in written and name not in ("true", "false")):
            found = self._look_up(name.removesuffix(".value").rsplit(".", 1)[-1])
        if found is None:
            found = _TRUTH.get(name.lower())
        return found if found is None or not denied else not found

    def _look_up(self, name: str) -> bool | None:
        if re.fullmatch(r"[A-Za-z_$][\w$]*", name) is None:
            return None
        bound = re.escape(name)
        match = re.search(
            rf"\[\s*{bound}\s*,\s*\w+\s*\]\s*=\s*(?:React\.)?useState(?:<\w+>)?\(\s*([^)\s]+)"
            rf"|(?<![\w$]){bound}['\"]?\s*(?::|=(?!=))\s*(?:(?:ref|shallowRef|signal)"
            rf"(?:<\w+>)?\(\s*)?([^\s,;)}}]+)",
            self.scripts,
        )
        return _TRUTH.get((match[1] or match[2]).strip("'\"").lower()) if match else None


_TRUTH: Final = {
    "true": True, "1": True, "!0": True, "on": True, "yes": True, "y": True,
    "checked": True, "enabled": True, "open": True,
    "false": False, "0": False, "!1": False, "off": False, "no": False, "n": False,
    "unchecked": False, "null": False, "undefined": False, "indeterminate": False,
}  # fmt: skip


class _Builder(HTMLParser):
    """Builds the tree. Unclosed and crossed tags are taken as browsers would, roughly."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("", {}, None, 1, 0)
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]
        # An arrow in an unquoted attribute would end its tag, and a marked section is an error
        # to this parser; both are written over in equal length.
        self.feed(source.replace("=>", "==").replace("<![", " !["))
        self.close()

    def _offset(self) -> tuple[int, int]:
        line, column = self.getpos()
        return line, self._starts[min(line, len(self._starts)) - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element, after closing what cannot go on around it."""
        closes = _CLOSES_ITSELF.get(tag, set())
        while self.at.tag in closes and self.at.parent is not None:
            self.at = self.at.parent
        self._open(tag, attrs)
        if tag in _VOID and self.at.parent is not None:
            self.at = self.at.parent

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        self._open(tag, attrs)
        if self.at.parent is not None:
            self.at = self.at.parent

    def _open(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self.at
        if parent.depth >= DEPTH_MAX and parent.parent is not None:
            parent = parent.parent
        line, offset = self._offset()
        node = Node(tag, {name: value or "" for name, value in attrs}, parent, line, offset)
        parent.children.append(node)
        self.at = node

    def handle_endtag(self, tag: str) -> None:
        """Close the nearest element of this name; one that closes nothing is passed over."""
        for node in (self.at, *self.at.ancestors()):
            if node.tag == tag and node.parent is not None:
                self.at = node.parent
                return

    def handle_data(self, data: str) -> None:
        """Keep text line by line, so that each line knows its place."""
        line, offset = self._offset()
        for index, piece in enumerate(data.splitlines(keepends=True)):
            self.at.children.append(Run(piece, line + index, offset, self.at))
            offset += len(piece)

    def of(self, tag: str) -> list[str]:
        """The contents of all elements of a name."""
        return [
            "".join(child.text for child in node.children if isinstance(child, Run))
            for node in self.root.walk()
            if node.tag == tag
        ]


def line_of(source: str, offset: int) -> int:
    """The line, from 1, in which an offset of a text lies."""
    return source.count("\n", 0, offset) + 1
