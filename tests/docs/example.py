"""Which report do the ten questions ask about? `python -m tests.docs.example` prints it anew.

A real company plays a morning on a fixed clock; the report is the one of its last round.
"""

import tempfile
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from connector.besides import Counted, besides
from connector.rounds import unread
from connector.store import pulls
from connector.store.engine import connect, reading
from connector.store.leases import no_fence
from connector.store.staging import SqlStaging
from scim.store import MemberOp, MemberVerb
from sync import reconcile
from sync.ports import Licensing
from sync.reconcile import Scope
from sync.report import Report, compose
from sync.report_text import as_text
from tests.company import CENTRE, PRINT, RELEASE, SCAN, Company
from tests.databases import migrated_sqlite


def staff(company: Company, *names: str) -> dict[str, str]:
    return dict(zip(names, company.hire(*(f"{name}@northmill.example" for name in names)), strict=True))


def morning(engine: Engine) -> Report:
    company = Company(engine)
    for product, quantity in ((PRINT, 12), (CENTRE, 3), (RELEASE, 5), (SCAN, 2)):
        company.buy(product, quantity)
    ids = staff(
        company, "ada", "ben", "cleo", "dora", "emil", "fay", "gus", "hana", "ivo", "jon", "kai", "lea"
    )
    print_ = company.group("LIC-AnyPrint", [id for name, id in ids.items() if name not in ("kai", "lea")])
    centre = company.group("LIC-AnyPrint-Centre", [ids[name] for name in ("ada", "ben", "kai")])
    release = company.group("LIC-AnyPrint-Release", [ids[name] for name in ("cleo", "dora", "emil")])
    scan = company.group("LIC-AnyScan", [ids["ada"], ids["lea"]])
    for group, product in ((print_, PRINT), (centre, CENTRE), (release, RELEASE), (scan, SCAN)):
        company.map(group, product)
    _by_hand(company, "lea")
    company.round(Scope.EVERYONE)

    company.go(hours=20)
    company.leave(print_, ids["gus"])
    company.round()
    company.go(minutes=16)
    company.round()
    company.leave(print_, ids["hana"])
    company.round()
    company.go(hours=24, minutes=5)

    inside = company.group("Contractors", list(staff(company, "una", "uma").values()))
    with company.directory().writing() as writer:
        writer.change_members(print_, [MemberOp(MemberVerb.ADD, (inside,))])
        writer.warn("unknown_path", "urn:northmill:badge")
        writer.warn("unknown_path", "urn:northmill:badge")
    new = staff(company, "max", "nina", "otto", "pia", "quin")
    company.join(print_, *new.values())
    company.map(company.group("Sales", [new["quin"]]), PRINT, priority=10)
    company.leave(release, ids["cleo"], ids["dora"], ids["emil"])
    company.set_active(ids["lea"], False)
    company.set_active(ids["ivo"], False)
    quin = company.tenant.create_account("quin@northmill.example", "Quin", "", "", company.key())
    company.tenant.set_active(quin.id, False, company.key())
    _reads_in_vain(company)
    return _told(company)


def _by_hand(company: Company, name: str) -> None:
    account = company.tenant.create_account(f"{name}@northmill.example", name.title(), "", "", company.key())
    company.tenant.assign(company.sold(PRINT).id, [account.id], company.key())


def _reads_in_vain(company: Company) -> None:
    pk = pulls.declared(company.engine, "okta", "okta", company.now)
    SqlStaging(company.engine, pk, no_fence).failed(
        "incomplete: group LIC-Okta: 41 of its 60 members were listed; nobody was removed by absence",
        company.now,
        company.now,
    )


def _told(company: Company) -> Report:
    calls: Counter[str] = Counter()

    def counted(real: Licensing) -> Licensing:
        return Counted(real, calls).licensing()

    company.wrap = counted
    ports = company.ports()
    calls.clear()
    done = reconcile.run_round(ports, "schedule", Scope.EVERYONE, company.policy)
    done = replace(done, trouble=(*done.trouble, *unread(company.engine)))
    mappings = ports.mirror.mappings()
    composed = compose(done, ports.ledger, company.now + timedelta(seconds=2.4), mappings)
    with reading(company.engine) as connection:
        return replace(composed, beside=besides(connection, mappings, everyone=True, calls=calls))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{migrated_sqlite(Path(folder) / 'example.db')}")
        print(as_text(morning(engine)), end="")
        engine.dispose()
