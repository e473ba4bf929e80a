"""Is the report of docs/guides/questions what the connector says, and does the page ask about it?"""

import re

from sqlalchemy import Engine

from sync.report_text import as_text
from tests.docs.example import morning
from tests.docs.test_guides import DOCS

FOLDER = DOCS / "guides" / "questions"


def test_the_committed_report_is_what_is_printed(sqlite_engine: Engine) -> None:
    """`python -m tests.docs.example > docs/guides/questions/report.txt` writes it anew."""
    assert as_text(morning(sqlite_engine)) == (FOLDER / "report.txt").read_text(encoding="utf-8")


def test_ten_questions_and_ten_answers() -> None:
    questions = re.findall(r"^\d+\. ", (FOLDER / "report.md").read_text("utf-8"), re.MULTILINE)
    answers = re.findall(r"^\d+\. ", (FOLDER / "report-answers.md").read_text("utf-8"), re.MULTILINE)
    assert questions == answers == [f"{number}. " for number in range(1, 11)]
