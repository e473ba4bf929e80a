"""Who is told of what, when, and how often? A real company, a real mail server and webhook on loopback.

Each test runs on SQLite in plain, and on PostgreSQL with STARTTLS and https.
"""

import hashlib
import hmac

import pytest
from sqlalchemy import Engine, update

from connector.notify import gather
from connector.notify.webhook import signature
from connector.store import breakers, holds, notices, requests, trouble
from connector.store.engine import reading, writing
from connector.store.tables import persons, tenant_subscriptions
from sync import reconcile
from sync.breaker import Breaker, answered
from sync.model import Figures, Held
from sync.quantity import decline, schedule
from sync.reconcile import Scope
from sync.report import compose
from sync.report_json import stored
from tests.company import CENTRE, PRINT, Company
from tests.connector.notify.office import OPERATORS, SECRET, Office, leaver, short


def test_r18_one_message_for_a_prompt_however_many_rounds_and_looks(office: Office) -> None:
    short(office.company, 5, 3)
    for _ in range(3):
        office.tell()
        office.company.go(minutes=1)
        office.company.round(Scope.EVERYONE)
    [mail] = office.box.to(OPERATORS)
    text = mail.get_content()
    assert "seats are missing" in mail["Subject"]
    assert "p3@northmill.example" in text
    assert "member of LIC-AnyPrint" in text
    assert "If nobody answers" in text
    assert "https://licenses.northmill.example/prompts" in text
    assert len(office.hook.got) == 1


def test_r18_reminders_after_3_and_7_days_then_what_became_of_it_in_one_thread(office: Office) -> None:
    short(office.company, 5, 3)
    for days in (0, 2, 1, 1, 3, 1):
        office.company.go(days=days)
        office.company.round()
        office.tell()
    assert len(office.subjects()) == 3
    request = office.company.request(PRINT)
    assert request is not None
    with writing(office.company.engine) as connection:
        requests.store(
            connection,
            request,
            decline(request, "ada", "too dear", office.company.now),
            "ada",
            office.company.now,
        )
    office.tell()
    office.tell()
    mails = office.box.to(OPERATORS)
    assert len(mails) == 4
    assert "too dear" in mails[3].get_content()
    assert {m["In-Reply-To"] for m in mails[1:]} == {mails[0]["Message-ID"]}
    assert [s["stage"] for s in office.hook.said] == ["open", "reminder 1", "reminder 2", "declined"]
    assert office.hook.said[-1]["over"] is True
    assert {s["id"] for s in office.hook.said} == {f"request:{request.id}"}


def test_r18_what_a_scheduled_one_leaves_uncovered_is_told_and_that_it_is_withdrawn(office: Office) -> None:
    company = office.company
    _, group = short(company, 5, 3)
    asked, sold = company.request(PRINT), company.sold(PRINT)
    assert asked is not None
    with writing(company.engine) as connection:
        seen = Figures(sold.quantity, asked.need, company.price(PRINT))
        after = schedule(asked, None, seen, sold, seen.price, "ada", company.now)
        requests.store(connection, asked, after, "ada", company.now)
    office.tell()
    company.join(group, *company.hire("late@northmill.example"))
    company.round()
    office.tell()
    company.tenant.change_quantity(sold.id, 6, company.key())
    company.go(minutes=31)
    company.round(Scope.EVERYONE)
    office.tell()
    first, second, third = office.box.to(OPERATORS)
    assert "scheduled by ada" in first["Subject"]
    assert "1 missing beyond what is scheduled" in second["Subject"]
    assert "Decide: `request show" in second.get_content()
    assert "withdrawn: nobody is short of it any more" in third.get_content()


def test_r18_new_figures_go_to_a_webhook_within_the_hour_and_to_nobody_by_mail(office: Office) -> None:
    _, group = short(office.company, 5, 3)
    office.tell()
    office.company.join(group, *office.company.hire("late@northmill.example"))
    office.company.round()
    office.tell()
    assert len(office.hook.got) == 1
    office.company.go(minutes=61)
    office.tell()
    assert [s["facts"]["need"] for s in office.hook.said] == [2, 3]
    assert [s["revision"] for s in office.hook.said] == [1, 2]
    assert len(office.subjects()) == 1


def test_r18_a_need_that_came_and_went_before_anybody_was_told_is_no_news(office: Office) -> None:
    ids, _ = short(office.company, 3, 2)
    office.company.set_active(ids[2], False)
    office.company.round()
    office.tell()
    assert office.subjects() == []


def test_r24_a_hold_is_told_and_its_end(office: Office) -> None:
    ids, group = short(office.company, 6, 10)
    office.company.leave(group, *ids)
    office.company.round()
    office.tell()
    [hold] = office.company.open_holds()
    assert "wait for a person" in office.subjects()[0]
    assert office.hook.said[0]["link"] == f"https://licenses.northmill.example/holds/{hold.id}"
    with writing(office.company.engine) as connection:
        holds.reject(connection, hold.id, "ada", office.company.now)
    office.tell()
    assert "rejected by ada" in office.box.to(OPERATORS)[1].get_content()


def test_r27_the_person_and_the_operators_are_told_before_the_license_goes(office: Office) -> None:
    leaver(office)
    [mail] = office.box.to("zoe.n@northmill.example")
    assert "2027-03-02 09:16 UTC" in mail.get_content(), "settle window and grace after the loss"
    assert office.company.held("zoe@northmill.example", PRINT) is Held.YES
    office.company.go(minutes=6)
    office.tell()
    office.company.go(hours=1)
    office.tell()
    assert office.subjects() == ["1 licenses will be removed"]
    assert len(office.subjects("zoe.n@northmill.example")) == 1


def test_r27_entitled_again_she_hears_it_and_the_next_loss_is_announced_anew(office: Office) -> None:
    id, group = leaver(office)
    office.company.join(group, id)
    office.company.round()
    office.tell()
    mails = office.box.to("zoe.n@northmill.example")
    assert "You keep anyprint" in mails[1].get_content()
    assert mails[1]["In-Reply-To"] == mails[0]["Message-ID"]
    office.company.leave(group, id)
    office.company.round()
    office.company.go(minutes=16)
    office.company.round()
    office.tell()
    office.tell()
    assert len(office.subjects("zoe.n@northmill.example")) == 3


def test_r10_who_was_told_and_keeps_it_for_an_add_on_hears_it(office: Office) -> None:
    leaver(office)
    company = office.company
    company.buy(CENTRE, 1)
    account = company.tenant.find_account("zoe@northmill.example")
    assert account is not None
    company.tenant.assign(company.sold(CENTRE).id, [account.id], company.key())
    company.round(Scope.EVERYONE)
    office.tell()
    told = office.box.to("zoe.n@northmill.example")
    assert "You keep anyprint" in told[1].get_content()
    company.go(hours=48)
    company.round(Scope.EVERYONE)
    office.tell()
    assert len(office.box.to("zoe.n@northmill.example")) == 2
    assert "zoe@northmill.example" in company.holders(PRINT)


@pytest.mark.parametrize(
    "email", ["a@b.example, c@d.example", "x@y.example\r\nBcc: z@z.example", "no-address", ""]
)
def test_t25_an_address_that_is_none_is_never_mailed_to(office: Office, email: str) -> None:
    company = office.company
    company.buy(PRINT, 5)
    [id] = company.hire("zoe@northmill.example")
    with writing(company.engine) as connection:
        connection.execute(update(persons).values(email=email))
    group = company.group("G", [id])
    company.map(group, PRINT)
    company.round()
    company.leave(group, id)
    company.round()
    company.go(minutes=16)
    company.round()
    office.tell()
    assert office.box.mails == []
    with reading(company.engine) as connection:
        assert notices.failing(connection) == []


def test_a_mail_server_that_refuses_is_tried_again_shown_and_stops_no_round(office: Office) -> None:
    office.box.refuse = True
    short(office.company, 5, 3)
    office.tell()
    office.tell()
    with reading(office.company.engine) as connection:
        [failing] = notices.failing(connection)
    assert (failing.channel, failing.attempts) == ("operators", 1)
    assert "451" in failing.failure
    assert len(office.company.holders(PRINT)) == 3
    office.box.refuse = False
    office.company.go(minutes=1)
    office.tell()
    assert len(office.subjects()) == 1
    with reading(office.company.engine) as connection:
        assert notices.failing(connection) == []


def test_what_was_gathered_goes_out_though_something_else_cannot_be(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.box.refuse = True
    short(office.company, 5, 3)
    office.tell()
    office.box.refuse = False

    def broken(*_: object) -> None:
        raise LookupError("seeded")

    monkeypatch.setattr(gather, "hold_matters", broken)
    office.company.go(minutes=1)
    office.tell()
    assert len(office.subjects()) == 1


def test_a_webhook_that_fails_gets_the_newest_once_it_answers(office: Office) -> None:
    office.hook.status = 500
    _, group = short(office.company, 5, 3)
    office.tell()
    office.company.join(group, *office.company.hire("late@northmill.example"))
    office.company.round()
    office.hook.status = 200
    office.company.go(minutes=1)
    office.tell()
    assert [s["facts"]["need"] for s in office.hook.said] == [2, 3]


def test_the_webhook_is_signed(office: Office) -> None:
    short(office.company, 5, 3)
    office.tell()
    headers, body = office.hook.got[0]
    t, v1 = (part.partition("=")[2] for part in headers["X-Connector-Signature"].split(","))
    assert v1 == hmac.new(SECRET.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    assert int(t) == int(office.company.now.timestamp())
    assert signature(SECRET, body + b" ", office.company.now) != headers["X-Connector-Signature"]


def test_t24_a_redirect_is_not_followed(office: Office) -> None:
    office.hook.status, office.hook.location = 307, office.hook.url
    short(office.company, 5, 3)
    office.tell()
    assert len(office.hook.got) == 1
    with reading(office.company.engine) as connection:
        [failing] = notices.failing(connection)
    assert "answered 307" in failing.failure
    assert "/notices" not in failing.failure, "a webhook's path is a secret"


def test_r29_rounds_that_fail_for_minutes_are_told_once_and_that_they_succeed_again(office: Office) -> None:
    company = office.company
    for _ in range(4):
        with writing(company.engine) as connection:
            trouble.note(connection, "AnySoft does not answer", None, company.now)
        office.tell()
        company.go(minutes=2)
    with writing(company.engine) as connection:
        trouble.over(connection)
    office.tell()
    office.tell()
    assert office.subjects() == ["Rounds fail: licenses are not kept up to date", "Re: Rounds succeed again"]


def test_r29_one_alert_when_the_breaker_opens_and_one_when_it_closes(office: Office) -> None:
    company = office.company
    with writing(company.engine) as connection:
        breakers.change(connection, lambda b: Breaker("f" * 10, company.now, company.now, "502"), company.now)
    for _ in range(2):
        office.tell()
        company.go(minutes=1)
    with writing(company.engine) as connection:
        breakers.change(connection, answered, company.now)
    office.tell()
    office.tell()
    assert office.subjects() == ["AnySoft does not answer: calls are stopped", "Re: AnySoft answers again"]


def test_r22_over_allocated_is_told_once_and_its_end(office: Office) -> None:
    company = office.company
    short(company, 3, 3)
    sold = company.sold(PRINT)
    lower(company.engine, sold.id, 2)
    for _ in range(2):
        reported(company)
        office.tell()
        company.go(minutes=1)
    assert len(company.holders(PRINT)) == 3, "nobody is evicted"
    lower(company.engine, sold.id, 3)
    reported(company)
    office.tell()
    mails = office.box.to(OPERATORS)
    assert [m["Subject"] for m in mails] == [
        "anyprint: more are assigned than bought",
        "Re: anyprint: as many are bought as assigned again",
    ]
    assert "3 have anyprint, 2 are bought" in mails[0].get_content()


def lower(engine: Engine, id: str, quantity: int) -> None:
    """As somebody does outside of the connector, against AnySoft's own rule (L10)."""
    with writing(engine) as connection:
        here = tenant_subscriptions.c.id == id
        connection.execute(update(tenant_subscriptions).where(here).values(quantity=quantity))


def reported(company: Company) -> None:
    ports = company.ports()
    done = reconcile.run_round(ports, "test", Scope.EVERYONE, company.policy)
    assert done.run is not None
    ports.ledger.finish(done.run, stored(compose(done, ports.ledger, company.now)), "done", company.now)


def test_a_digest_a_day(office: Office) -> None:
    short(office.company, 5, 3)
    office.tell()
    office.company.go(hours=14)
    office.tell()
    office.tell()
    office.company.go(hours=24)
    office.tell()
    digests = [m for m in office.box.to(OPERATORS) if "AnySoft licenses" in m["Subject"]]
    assert len(digests) == 2
    assert "3 of 3 assigned, 2 wait" in digests[0].get_content()


def test_a_digest_says_that_all_is_well_only_when_nobody_waits_and_every_directory_is_heard(
    office: Office,
) -> None:
    company = office.company
    ids, group = short(company, 5, 3)
    with writing(company.engine) as connection:
        asked = company.request(PRINT)
        assert asked is not None
        after = decline(asked, "ada", "too dear", company.now)
        requests.store(connection, asked, after, "ada", company.now)

    def digest() -> tuple[str, str]:
        company.round()
        office.tell()
        mail = [m for m in office.box.to(OPERATORS) if "AnySoft licenses" in m["Subject"]][-1]
        return str(mail["Subject"]).partition(": ")[2], mail.get_content()

    company.go(hours=14)
    assert digest()[0] == "2 waiting"
    company.go(days=4)
    subject, body = digest()
    assert subject == "2 waiting, entra not current"
    assert "Nothing was heard for days from: entra" in body
    company.leave(group, *ids[3:])
    company.go(days=1)
    assert digest()[0] == "all is well"


def test_two_workers_send_a_notice_once(office: Office) -> None:
    short(office.company, 5, 3)
    office.post.gather()
    with writing(office.company.engine) as connection:
        first = notices.claim(connection, 10, office.company.now)
    with writing(office.company.engine) as connection:
        second = notices.claim(connection, 10, office.company.now)
    assert (len(first), second) == (2, [])
    office.company.go(minutes=6)
    office.tell()
    assert len(office.subjects()) == 1, "whoever claimed it died: another sends it"
