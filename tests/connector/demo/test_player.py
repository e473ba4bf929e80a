"""Does the player send what was recorded, say how far it is, and stop where a provisioning job would?"""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Response

from connector.anysoft.fields import Malformed
from connector.demo.player import Played, Progress, StepFailed, next_cycle, play
from connector.demo.recording import Recording, parse
from tests.connector.demo.files import cycles
from tests.connector.demo.world import Endpoint, World, replay, serving

TOKEN = "the-right-token"
NOTHING = Played()


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def url(endpoint: Endpoint) -> Iterator[str]:
    with serving(endpoint) as url:
        yield url


def recorded(*steps: dict[str, Any]) -> Recording:
    directory = {"name": "entra", "kind": "entra"}
    whole = [{"method": "GET", "path": "/Users", "expect": [200]} | step for step in steps]
    return parse("x", json.dumps({"directory": directory, "title": "t", "steps": whole}))


def play_all(recording: Recording, url: str, played: Played = NOTHING) -> list[Progress]:
    return list(play(recording, played, url, TOKEN, timeout=10))


def test_the_cycles_of_a_directory_leave_over_http_what_they_should(endpoint: Endpoint, url: str) -> None:
    model, saved, played, steps = World(), dict[str, str](), Played(), 0
    for recording in cycles():
        if recording.directory == "entra":
            assert list(replay(model, recording, saved))
            *_, last = play_all(recording, url, played)
            played, steps = last.played, steps + len(recording.steps)
    assert (endpoint.world.resources, endpoint.world.members) == (model.resources, model.members)
    assert played == Played(("entra-1", "entra-2", "entra-3", "entra-4"), saved={"entra": saved})
    assert len(endpoint.seen) == steps


def test_progress_carries_the_note_of_its_part_and_what_to_store(url: str) -> None:
    make = {"method": "POST", "body": {"userName": "a"}, "expect": [201], "save": {"u.a": "/id"}}
    events = play_all(recorded({"note": "first"}, make, {"note": "then", "path": "/Users/{{u.a}}"}), url)
    assert [(e.step, e.total, e.note) for e in events] == [(1, 3, "first"), (2, 3, "first"), (3, 3, "then")]
    assert [(e.played.begun, e.played.done, e.played.cycles) for e in events] == [
        ("x", 1, ()), ("x", 2, ()), ("", 0, ("x",)),
    ]  # fmt: skip
    assert events[0].played.saved == {"entra": {}}
    assert events[2].played.saved == {"entra": {"u.a": "users-1"}}


def test_a_play_that_broke_off_goes_on_and_sends_nothing_twice(endpoint: Endpoint, url: str) -> None:
    entra, *_ = cycles()
    broken = Played()
    for progress in play(entra, Played(), url, TOKEN):
        broken = Played.from_json(progress.played.to_json())
        if progress.step == 100:
            break
    *_, last = play_all(entra, url, broken)
    assert last.played.cycles == ("entra-1",)
    assert len(endpoint.seen) == len(entra.steps)


def test_what_was_played_survives_being_stored() -> None:
    played = Played(("entra-1",), "okta-1", 7, {"entra": {"u.a": "1"}, "okta": {}})
    assert Played.from_json(played.to_json()) == played
    assert Played.from_json(Played().to_json()) == Played()
    for text in ("", "[]", "{}", '{"cycles": [1], "begun": "", "done": 0, "saved": {}}'):
        with pytest.raises(Malformed):
            Played.from_json(text)


def test_the_next_cycle_is_the_first_that_was_not_played() -> None:
    assert next_cycle(["a", "b"], Played()) == "a"
    assert next_cycle(["a", "b"], Played(("a",))) == "b"
    assert next_cycle(["a", "b"], Played(("a",), begun="b", done=3)) == "b"
    assert next_cycle(["a", "b"], Played(("b", "a"))) is None


def test_only_the_recorded_headers_are_sent(
    endpoint: Endpoint, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # must not be used
    entra = recorded(
        {"headers": {"Content-Type": "application/scim+json"}},
        {"headers": {"User-Agent": "Okta SCIM Client 1.0.0", "Accept": "application/scim+json"}},
        {
            "headers": {"Content-Type": "application/json"},
            "method": "POST",
            "body": {"userName": "ä"},
            "expect": [201],
        },
    )
    play_all(entra, url)
    bare, okta, post = (dict(request.headers) for request in endpoint.seen)
    always = {"Host", "Authorization", "Accept-Encoding"}
    assert set(bare) - {"Connection"} == always
    assert (okta["User-Agent"], okta["Accept"]) == ("Okta SCIM Client 1.0.0", "application/scim+json")
    assert set(post) - {"Connection"} == always | {"Content-Type", "Content-Length"}
    assert endpoint.world.resources["Users"]["users-1"]["userName"] == "ä"


def test_a_path_is_encoded_once_whether_the_recording_has_it_encoded_or_not(
    endpoint: Endpoint, url: str
) -> None:
    raw = {"path": '/Users?aadOptscim062020&filter=userName eq "å+b@x.example"'}
    encoded = {"path": "/Users?filter=userName%20eq%20%22a%40x.example%22&startIndex=1"}
    play_all(recorded(raw, encoded), url)
    first, second = (request.query_string.decode() for request in endpoint.seen)
    assert first == "aadOptscim062020&filter=userName%20eq%20%22%C3%A5+b@x.example%22"
    assert second == "filter=userName%20eq%20%22a%40x.example%22&startIndex=1"


def test_another_status_says_which_step_and_what_came_back(endpoint: Endpoint, url: str) -> None:
    endpoint.instead[2] = Response('{"detail": "the filter is too long\n"}', 400)
    with pytest.raises(StepFailed) as caught:
        list(play(recorded({}, {"path": "/Groups", "expect": [200, 204]}, {}), Played(), url, TOKEN))
    assert str(caught.value) == (
        "x, step 2 of 3: GET /Groups was answered 400 instead of 200 or 204: "
        '\'{"detail": "the filter is too long\\n"}\''
    )
    assert (caught.value.recording, caught.value.number, caught.value.request) == ("x", 2, "GET /Groups")
    assert len(endpoint.seen) == 2, "it stops there"


def test_a_redirect_is_an_answer_and_the_token_stays_here(endpoint: Endpoint, url: str) -> None:
    endpoint.instead[1] = Response("", 302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    with pytest.raises(StepFailed, match="was answered 302 instead of 200"):
        play_all(recorded({}), url)
    assert len(endpoint.seen) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "was answered without /Resources/0/id"),
        ("<html>", "was answered without /Resources/0/id"),
        ('{"Resources": []}', "was answered without /Resources/0/id"),
        ('{"Resources": [{"id": 7}]}', "with a /Resources/0/id that is no id: '7'"),
        ('{"Resources": [{"id": "../../Groups/1"}]}', "that is no id"),
        ('{"Resources": [{"id": "a\\"b"}]}', "that is no id"),
        ("[" * 5000, "was answered without"),
        ("x" * 4_000_001, "was answered with more than 4000000 bytes"),
    ],
)
def test_an_id_that_is_missing_or_none_stops_it(endpoint: Endpoint, url: str, answer: str, why: str) -> None:
    endpoint.instead[1] = Response(answer, 200)
    with pytest.raises(StepFailed) as caught:
        play_all(recorded({"save": {"u.a": "/Resources/0/id"}}), url)
    assert why in str(caught.value)


def test_a_later_cycle_without_the_earlier_ones_says_so(endpoint: Endpoint, url: str) -> None:
    later = next(recording for recording in cycles() if recording.name == "entra-2")
    with pytest.raises(
        StepFailed, match=r"entra-2, step 1 of 3: PATCH .* needs g\.sales, .* play the earlier ones"
    ):
        play_all(later, url)
    assert endpoint.seen == []


def test_nobody_listening_is_said_without_the_token(endpoint: Endpoint) -> None:
    with serving(endpoint) as url:
        pass
    with pytest.raises(StepFailed, match=r"got no answer from .* is the endpoint running") as caught:
        play_all(recorded({}), url)
    assert TOKEN not in str(caught.value)


def test_a_wrong_token_is_said_and_not_shown(url: str) -> None:
    with pytest.raises(StepFailed, match="was answered 401 instead of 200") as caught:
        list(play(recorded({}), Played(), url, "a-wrong-token"))
    assert "a-wrong-token" not in str(caught.value)


def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/scim/v2"
        with pytest.raises(StepFailed, match="got no answer"):
            list(play(recorded({}), Played(), url, TOKEN, timeout=0.2))
