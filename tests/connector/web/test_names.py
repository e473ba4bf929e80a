"""Does the console write a name of unseen letters as a command takes it? (T27)"""

from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.company import PRINT, Company
from tests.connector.web.ways_in import signed_in


def test_the_console_writes_it_as_all_else_does(client: FlaskClient, engine: Engine) -> None:
    company = Company(engine)
    company.buy(PRINT, 1)
    company.map(company.group("LIC \x1b[2J", company.hire("anna@x.example", "\u202ered@x.example")), PRINT)
    run = company.round().run
    signed_in(client, engine)
    page = client.get(f"/runs/{run}").text
    assert r"LIC \x1b[2J" in page
    assert all(line.isprintable() for line in page.split("\n"))
