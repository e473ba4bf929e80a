"""Which request do the tests of deciding decide on? Two seats for three people: one waits."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.cli.root import main
from connector.store import operators
from connector.store.engine import writing
from connector.store.operators import Role
from sync.model import Money, Request
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared

Call = Callable[..., Any]


@contextmanager
def one_short(folder: Path, template: Path) -> Iterator[Company]:
    """With an operator of each role, of the role's name."""
    with opened(prepared(folder, template)) as engine:
        company = Company(engine)
        company.buy(PRINT, 2)
        company.map(company.group("LIC", company.hire("a@x.example", "b@x.example", "c@x.example")), PRINT)
        company.round()
        with writing(engine) as connection:
            for role in Role:
                operators.add(connection, role.value, role, company.now)
        yield company


def calls(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command line: what it printed; with --json what that means."""

    def run(*arguments: str, code: int = 0) -> Any:
        found = main(["--data", str(folder), *arguments])
        told = capsys.readouterr()
        assert found == code, told
        return json.loads(told.out) if "--json" in arguments and not code else told.out + told.err

    return run


def joined(company: Company, *names: str) -> None:
    """More people want it: the request has other figures from now on."""
    company.map(company.group(f"Group of {names[0]}", company.hire(*names)), PRINT)
    company.round()


def bigger(company: Company) -> None:
    """Somebody buys a seat at AnySoft's portal."""
    company.tenant.change_quantity(company.sold(PRINT).id, 3, company.key())


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def open_request(company: Company) -> Request:
    found = company.request(PRINT)
    assert found is not None
    return found
