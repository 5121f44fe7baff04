"""Consent lint: forty bad screens are found out, forty good ones are left alone."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.text import lint_consent, lint_words
from qingjing.text.lint_consent import Finding, lint
from qingjing.text.lint_style import contrast
from qingjing.text.lint_tree import Tree

ROOT: Final = Path(__file__).parents[2]
SCREENS: Final = Path(__file__).with_name("screens")
TRUTH: Final = tomllib.loads((SCREENS / "truth.toml").read_text(encoding="utf-8"))
FALSE_MAX: Final = 2

TICK: Final = '<p><input type="checkbox"{state}> 接收优惠短信,每月2条,一年</p>'
PIECES: Final = st.sampled_from(
    ["<", ">", "<p>", "</p>", "<input type=checkbox checked>", "<label for=a>", "</div>", "<![",
     "<!--", "<style>p{", "}", "<details>", "接收优惠短信", "同意", "。", "☑ ", "开", "第一条 ",
     "<script>", "{{x}}", "<select><option>", "<a>", "&#x0;", "\n", "style='color:#'", "<tr>"]
)  # fmt: skip


def screen(name: str) -> str:
    """The source of one screen."""
    return (SCREENS / name).read_text(encoding="utf-8")


def codes(source: str) -> set[str]:
    """The findings' names."""
    return {finding.code for finding in lint(source)}


def names(kind: str) -> list[str]:
    """The screens of one kind."""
    return sorted(f"{kind}/{path.name}" for path in (SCREENS / kind).iterdir())


def test_there_are_forty_screens_of_each_kind() -> None:
    """The measure is as large as it says, and every finding is planted somewhere."""
    assert len(names("good")) == 40
    assert names("bad") == sorted(f"bad/{name}" for name in TRUTH["bad"])
    assert len(names("bad")) == 40
    assert {code for planted in TRUTH["bad"].values() for code in planted} == set(
        lint_consent.table()
    )


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in TRUTH for name in sorted(TRUTH[kind])]
)
def test_what_is_planted_in_a_bad_screen_is_found(kind: str, name: str) -> None:
    """Each thing that was planted, not one of them."""
    assert set(TRUTH[kind][name]) <= codes(screen(f"{kind}/{name}"))


def test_good_screens_have_next_to_no_findings() -> None:
    """At most two false findings on the forty; none on those that were written later."""
    false = [(n, f.code, f.quote) for n in names("good") for f in lint(screen(n))]

    assert len(false) <= FALSE_MAX, false
    assert [f.code for n in names("blind_good") for f in lint(screen(n))] == []


@pytest.mark.parametrize("name", names("bad"))
def test_a_finding_stands_where_it_says(name: str) -> None:
    """Its line is its offset's; markup has a selector; nothing in its words is left to fill."""
    source = screen(name)
    for found in lint(source):
        assert source.count("\n", 0, found.offset) + 1 == found.line
        assert bool(found.selector) == (not name.endswith(".txt"))
        assert "{" not in found.zh + found.en + found.remedy_zh + found.remedy_en
        assert 0 < len(found.quote) <= lint_consent.QUOTE_MAX


def test_a_quote_is_found_in_its_line_of_a_plain_text() -> None:
    """The reader looks at the line and sees the words."""
    source = screen("bad/04-user-agreement.txt")
    found = next(f for f in lint(source) if f.code == "clause_buried")

    assert found.quote in source.split("\n")[found.line - 1]


def test_every_finding_serves_a_duty_of_the_law() -> None:
    """Each has clause, remedy and both languages, and its duty is a row of the register."""
    with (ROOT / "docs" / "law.csv").open(encoding="utf-8", newline="") as file:
        duties = {row["id"] for row in csv.DictReader(file)}
    wanted = {"clause", "duty", "zh", "en", "remedy_zh", "remedy_en"}
    for words in lint_consent.table().values():
        assert set(words) == wanted
        assert words["duty"] in duties


def test_every_finding_stands_on_the_page_about_them() -> None:
    """``docs/lint.md`` has a row for each, with its clause."""
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    for code, words in lint_consent.table().items():
        assert f"| `{code}` | " in page
        assert words["clause"] in page


@given(st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join)))
def test_every_text_can_be_linted(source: str) -> None:
    """Never an exception, and the same answer twice."""
    assert lint(source) == lint(source)


def test_a_page_that_is_too_long_is_refused_with_a_remedy() -> None:
    """The limit is told, and what to do."""
    with pytest.raises(lint_consent.SourceError, match="one page at a time"):
        lint("a" * (lint_consent.SOURCE_MAX + 1))


def test_a_page_that_nests_without_end_is_read() -> None:
    """Depth is bounded: no recursion, no hang."""
    assert lint("<div>" * 3000 + TICK.format(state=" checked"))[0].code == "box_preticked"


@pytest.mark.parametrize(
    ("state", "preticked"),
    [("", False), (" checked", True), (' checked="false"', True), (" disabled", False)],
)
def test_the_state_of_a_native_box_is_that_of_a_browser(state: str, preticked: bool) -> None:
    """In HTML the attribute's presence ticks the box, whatever its value."""
    assert ("box_preticked" in codes(TICK.format(state=state))) is preticked


@pytest.mark.parametrize(
    ("written", "script", "state"),
    [
        ("true", "", True),
        ("{{ true }}", "", True),
        ("{on}", "const [on, setOn] = useState(true)", True),
        ("{on}", "const [on, setOn] = useState<boolean>(false)", False),
        ("form.sms", "form: { sms: true, call: false }", True),
        ("!refused", "data: { refused: false }", True),
        ("agree", "const agree = ref(true)", True),
        ("agree", "const disagree = ref(true)", None),
        ("unknown", "", None),
        ("a == b", "", None),
    ],
)
def test_a_bound_state_is_looked_up_in_the_scripts(
    written: str, script: str, state: bool | None
) -> None:
    """Vue, React and mini-programs start with what their scripts say; else it is not known."""
    assert Tree(f"<script>{script}</script>").initial(written) is state


def test_contrast_is_that_of_the_web_guidelines() -> None:
    """Black on white is 21, a colour on itself 1, #777 on white 4.48 (WCAG 2)."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("sentence", "takes"),
    [
        ("您同意接收商业性短信", True),
        ("平台有权向您发送促销信息,无需另行取得您的同意", True),
        ("我们可以通过短信向您推荐理财产品", True),
        ("经您单独同意后,我们会向您发送促销短信", False),
        ("未经您同意,我们不会向您发送营销短信", False),
        ("我们将向您发送订单短信", False),
        ("you agree to receive marketing text messages", True),
        ("we send marketing texts only if you agree", False),
    ],
)
def test_a_sentence_takes_consent_or_does_not(sentence: str, takes: bool) -> None:
    """What ties sending to a consent of its own takes none."""
    assert lint_words.takes(lint_words.clean(sentence)) is takes


def test_findings_come_in_the_order_of_the_source() -> None:
    """A reader goes through the page once."""
    found: tuple[Finding, ...] = lint(screen("bad/14-privacy-policy.html"))

    assert [f.offset for f in found] == sorted(f.offset for f in found)
