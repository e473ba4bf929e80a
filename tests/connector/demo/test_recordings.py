"""Are the recordings whole, and is a mistake in one named?"""

import json
import re
from typing import Any

import pytest

from connector.demo.recording import BadRecording, Recording, Step, parse, read
from tests.connector.demo.files import FOLDER, cycles, scenario


def test_the_demo_plays_every_recording_there_is_and_each_says_its_name() -> None:
    played = {recording.name: recording for recording in cycles()}
    assert set(played) == {file.stem for file in FOLDER.glob("*.json")}
    known = dict(scenario().directories)
    assert all(known[recording.directory] == recording.kind for recording in played.values())


def test_every_id_was_saved_before_it_is_needed() -> None:
    saved: dict[str, set[str]] = {"entra": set(), "okta": set()}
    for recording in cycles():
        for step in recording.steps:
            needed = set(re.findall(r"\{\{(.*?)\}\}", step.path + (step.body or "")))
            assert needed <= saved[recording.directory], (recording.name, step)
            saved[recording.directory] |= {name for name, _ in step.save}


def test_all_people_are_made_up() -> None:
    text = "".join(file.read_text() for file in FOLDER.glob("*.json"))
    hosts = set(re.findall(r"(?:@|%40)([\w.-]+)", text.casefold()))
    assert hosts == {"northmill.example"}


def test_users_come_first_and_members_in_a_second_pass() -> None:
    entra = read(FOLDER, "entra-1").steps
    made = [n for n, step in enumerate(entra) if step.method == "POST" and step.path == "/Users"]
    groups = [n for n, step in enumerate(entra) if step.method == "POST" and step.path == "/Groups"]
    joined = [n for n, step in enumerate(entra) if '"path": "members"' in (step.body or "")]
    assert len(made) == 40
    assert max(made) < min(groups)
    assert max(groups) < min(joined)
    assert all(entra[n - 1].method == "GET" for n in made + groups), "each is looked up before it is created"


# ---- parsing ----

GOOD: dict[str, Any] = {
    "directory": {"name": "entra", "kind": "entra"},
    "title": "A title",
    "headers": {"Accept": "application/scim+json"},
    "steps": [
        {
            "method": "POST",
            "path": "/Users",
            "body": {"a": "{{u.b}}"},
            "expect": [201],
            "save": {"u.a": "/id"},
        }
    ],
}


def changed(**step: Any) -> str:
    return json.dumps({**GOOD, "steps": [{**GOOD["steps"][0], **step}]})


def test_a_step_becomes_values_with_the_headers_of_the_file() -> None:
    recording = parse("x", changed(note="first", headers={"accept": None, "X-One": "1"}))
    assert recording == Recording(
        "x", "entra", "entra", "A title",
        (Step("first", "POST", "/Users", (("X-One", "1"),), '{"a": "{{u.b}}"}', (201,), (("u.a", "/id"),)),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "x.json: "),
        ("[]", "the message: must be an object, not a list"),
        ("[" * 100_000, "x.json: "),
        ('{"title": "a", "title": "b"}', "a key is there twice"),
        ('{"title": NaN}', "NaN is not JSON"),
        (json.dumps({**GOOD, "extra": 1}), "extra: is not a field"),
        (json.dumps({**GOOD, "steps": []}), "steps: must have at least one step"),
        (json.dumps({**GOOD, "directory": {"name": "a", "kind": "ldap"}}), "directory.kind: must be"),
        (changed(method="TRACE"), "steps[0].method: must be one of"),
        (changed(path="Users"), "steps[0].path: must begin with /"),
        (changed(path="/Users\r\nX: 1"), "steps[0].path: must begin with / and be one line"),
        (changed(path="/Users/{{../1}}"), "steps[0].path: {{../1}} must hold a name"),
        (changed(body={"a": "{{}}"}), "steps[0].body: {{}} must hold a name"),
        (changed(body=[]), "steps[0].body: must be an object, not a list"),
        (changed(expect=[]), "steps[0].expect: must name at least one status"),
        (changed(expect=["200"]), "steps[0].expect[0]: must be an HTTP status"),
        (changed(expect=[True]), "steps[0].expect[0]: must be an HTTP status"),
        (changed(headers={"Authorization": "Bearer x"}), "steps[0].headers.Authorization: is not a header"),
        (changed(headers={"X": "a\r\nb"}), "steps[0].headers.X: must be one line"),
        (changed(save={"Ada": "/id"}), "steps[0].save.Ada: must be a name"),
        (changed(save={"u.a": "id"}), "steps[0].save.u.a: must be a JSON pointer"),
        (changed(sleep=3), "steps[0].sleep: is not a field"),
    ],
)
def test_a_mistake_names_the_file_and_the_field(text: str, says: str) -> None:
    with pytest.raises(BadRecording) as caught:
        parse("x", text)
    assert says in str(caught.value)
    assert str(caught.value).startswith("x.json: ")


def test_a_recording_that_is_not_there_is_named() -> None:
    with pytest.raises(BadRecording, match=r"there is no recording entra-9\.json"):
        read(FOLDER, "entra-9")
