"""``qingjing``: the command line, from words to an exit code.

0: done, or yes. 1: the answer is no. 2: what was handed in is wrong, and nothing was written.
3: a running service was asked and did not answer, so that nobody knows.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import uvloop
from cyclopts import App, CycloptsError, Parameter

from qingjing import __version__
from qingjing.desk.entries import InputError
from qingjing.desk.send import NoRulebookError
from qingjing.doors.cli import (
    House,
    HouseError,
    Lang,
    Session,
    api_keys,
    ask,
    city,
    complaint_steps,
    detect,
    keys,
    ledger,
    lint,
    lookback,
    measures,
    notices,
    reading,
    rulebook,
    shadow,
    share,
    vendors,
    watch,
    witness,
)
from qingjing.doors.cli.decide import decide
from qingjing.doors.cli.output import BAD_INPUT, complain
from qingjing.doors.cli.proofs import prove_app, verify
from qingjing.doors.cli.scrub import scrub
from qingjing.doors.cli.serve import serve
from qingjing.doors.control import DoorError, UnansweredError
from qingjing.doors.feeds import FeedError
from qingjing.kernel.note import NoteError
from qingjing.kernel.rulebook import RulebookError
from qingjing.settings import SettingsError

UNANSWERED: Final = 3
"""Exit code: it may have been recorded, or not."""
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it (128 + SIGINT)."""

COMMANDS: Final = (
    serve,
    city.demo,
    decide,
    lint.app,
    scrub,
    notices.app,  # consent's, with what claims, capture and notices add to it
    vendors.app,  # the register's, with what papers and vendors add to it
    ask.app,
    measures.finding,
    measures.app,
    lookback.app,
    ledger.app,
    keys.app,
    api_keys.app,
    rulebook.app,
    reading.app,
    watch.app,
    shadow.app,
    complaint_steps.app,
    prove_app,
    verify,
    share.app,
    witness.app,
    city.app,
    detect.app,
)
"""The commands that come with this room. Further ones are handed to ``run``."""

_BAD_INPUT = (
    InputError,
    HouseError,
    DoorError,
    FeedError,
    SettingsError,
    RulebookError,
    NoRulebookError,
    NoteError,
)


def run(house: House, words: Sequence[str], commands: Iterable[Any] = COMMANDS) -> int:
    """Run one command line; its exit code.

    ``commands`` are functions or sub-apps of cyclopts; one that has a parameter ``session``
    with ``parse=False`` is handed the ``Session``.
    """
    app = _app(house, commands)
    try:
        code = app.meta(list(words), exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return BAD_INPUT  # cyclopts has told it already
    except _BAD_INPUT as error:
        for line in str(error).splitlines():
            complain(line)
        return UNANSWERED if isinstance(error, UnansweredError) else BAD_INPUT
    except OSError as error:
        if error.filename is None:
            raise
        remedy = "name a file that is there and can be used"
        complain(f"{error.filename}: {error.strerror}; {remedy}")
        return BAD_INPUT
    except KeyboardInterrupt:
        complain("interrupted; what was not finished was not written (a service finishes it)")
        return INTERRUPTED
    return int(code or 0)


def _app(house: House, commands: Iterable[Any]) -> App:
    app = App(
        name="qingjing",
        help="Qingjing 清净: no marketing SMS without consent, and a refusal that works.",
        version=__version__,
    )
    for command in commands:
        app.command(command)

    @app.meta.default
    def launch(
        *words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        config: Annotated[Path, Parameter(help="the settings file")] = Path("qingjing.toml"),
        lang: Annotated[Lang, Parameter(help="the language of sentences")] = "en",
    ) -> Any:
        command, bound, unparsed = app.parse_args(words, exit_on_error=False)
        session = Session(house, config, lang)
        result = command(*bound.args, **bound.kwargs, **dict.fromkeys(unparsed, session))
        return uvloop.run(result) if inspect.iscoroutine(result) else result

    return app
