"""A city end to end: real sockets, the real gateway, SQLite, and the score."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from city_house import play

from qingjing.city import out
from qingjing.city.out import Answered, Delivered, Heard, OutError, Truth
from qingjing.city.plan import Options, make_plan
from qingjing.city.scene import GOOD
from qingjing.city.score import score

SEEDS = (1, 2)
MESSAGES = 1500


@pytest.fixture(scope="module", params=SEEDS)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a city that was played, one for each seed."""
    seed = int(request.param)
    return play(seed, MESSAGES, tmp_path_factory.mktemp(f"city-{seed}") / "out")


@pytest.fixture
def copy(played: Path, tmp_path: Path) -> Path:
    """A copy of the files that a test may doctor."""
    target = tmp_path / "out"
    shutil.copytree(played, target, ignore=shutil.ignore_patterns("ledger"))
    return target


def test_every_violation_is_found(played: Path) -> None:
    """Recall is 1.0, for each violation and with a fitting reason."""
    missed = {row.name: row.missed for row in score(played).rows if row.found < row.planted}

    assert missed == {}


def test_no_good_message_is_refused(played: Path) -> None:
    """Neither everyday traffic nor the look-alikes of violations are stopped."""
    assert score(played).good_refused == ()


def test_nothing_happens_that_must_not(played: Path) -> None:
    """Nothing refused leaves, nothing leaves after a refusal, twice, or vanishes."""
    faults = score(played).faults

    assert {name: tags for name, tags in msgspec.structs.asdict(faults).items() if tags} == {}


def test_every_message_is_answered_and_nothing_is_unmasked(played: Path) -> None:
    """Each submit has its answer; no full number stands in any file."""
    result = score(played)
    digits = {p.phone.digits.encode() for p in make_plan(Options(messages=MESSAGES)).people}
    written = b"".join(path.read_bytes() for path in played.glob("*.jsonl"))

    assert result.messages == result.passed + result.refused + result.held
    assert not any(number in written for number in digits)


def test_the_score_notices_a_refused_message_that_was_received(copy: Path) -> None:
    """A carrier that received what was refused fails the score."""
    answers = out.read(copy, out.ANSWERS, Answered)
    refused = next(row.tag for row in answers if len(row.results) == 1 and row.results[0] > 0)
    strange = Delivered(
        tag=refused, carrier="mobile", order=1, phone="", port="", whole=True, times=1
    )
    out.write(copy, out.RECEIVED, [*out.read(copy, out.RECEIVED, Delivered), strange])

    found = score(copy)

    assert refused in found.faults.refused_yet_received
    assert not found.ok


def test_the_score_notices_a_message_that_left_after_the_refusal(copy: Path) -> None:
    """Received later in the carrier's order than the refusal was acknowledged: a fault."""
    truths = {row.tag: row for row in out.read(copy, out.TRUTH, Truth)}
    received = out.read(copy, out.RECEIVED, Delivered)
    late = next(row for row in received if row.tag and truths[row.tag].marketing)
    truth = truths[late.tag]
    heard = Heard(
        person=truth.person,
        phone="",
        carrier=late.carrier,
        port=late.port,
        group=truth.group,
        words="T",
        meant="refusing",
        wave=0,
        order=late.order - 1,
        said_at=0,
        acknowledged_at=0,
    )
    out.write(copy, out.REPLIES, [*out.read(copy, out.REPLIES, Heard), heard])

    assert late.tag in score(copy).faults.after_refusal


def test_the_score_notices_a_message_received_twice(copy: Path) -> None:
    """What came two times is a fault."""
    received = out.read(copy, out.RECEIVED, Delivered)
    twice = msgspec.structs.replace(received[0], times=2)
    out.write(copy, out.RECEIVED, [twice, *received[1:]])

    assert received[0].tag in score(copy).faults.received_twice


def test_the_score_notices_a_violation_that_passed(copy: Path) -> None:
    """An answer 0 to what had to be refused lowers the recall."""
    truths = {row.tag: row for row in out.read(copy, out.TRUTH, Truth)}
    answers = out.read(copy, out.ANSWERS, Answered)
    planted = next(row for row in answers if truths[row.tag].violation == "no_consent")
    passed = msgspec.structs.replace(planted, results=(0,) * len(planted.results))
    out.write(copy, out.ANSWERS, [passed if row is planted else row for row in answers])

    row = next(row for row in score(copy).rows if row.name == "no_consent")

    assert planted.tag in row.missed
    assert row.recall < 1.0


def test_the_score_notices_a_good_message_that_was_refused(copy: Path) -> None:
    """A reason given to a good message fails the score and lowers that reason's precision."""
    truths = {row.tag: row for row in out.read(copy, out.TRUTH, Truth)}
    answers = out.read(copy, out.ANSWERS, Answered)
    good = next(
        row for row in answers if truths[row.tag].violation == GOOD and row.results == (0,)
    )
    refused = msgspec.structs.replace(good, results=(129,))
    out.write(copy, out.ANSWERS, [refused if row is good else row for row in answers])

    found = score(copy)

    assert good.tag in {tag for tag, _text, _reason in found.good_refused}
    assert next(row for row in found.rows if row.name == "night").precision < 1.0
    assert not found.ok


def test_a_folder_that_is_used_is_not_overwritten(tmp_path: Path) -> None:
    """A run never mixes with what an earlier one left."""
    (tmp_path / "something").write_text("here")

    with pytest.raises(OutError, match="new folder"):
        play(1, 300, tmp_path)


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    """The score of nothing is an error that says what to do."""
    with pytest.raises(OutError, match="city run"):
        score(tmp_path)
