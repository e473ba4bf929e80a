"""R26: what does a yes to the plan of a mapping approve? Exactly the plan that was shown."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from connector.cli.root import main
from connector.store import audit, holds, operators
from connector.store.engine import reading, writing
from connector.store.operators import Role
from connector.store.tables import groups, users
from scim.store import MemberOp, MemberVerb
from sync.model import PersonId, State
from tests.company import PRINT, Company
from tests.connector.places import opened, prepared

LIC = [f"p{n}@northmill.example" for n in range(8)]
Answer = Callable[[], str]


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path) -> Iterator[Company]:
    """Eight of a mapped group have AnyPrint; two more are in a group inside it, and somewhere else."""
    with opened(prepared(tmp_path / "data", sqlite_template)) as engine:
        company = Company(engine)
        company.buy(PRINT, 20)
        ids = company.hire(*LIC)
        group = company.group("LIC", ids)
        company.group("Other", ids[:1])
        inside = company.group("Inside", company.hire("in@northmill.example", "too@northmill.example"))
        with company.directory().writing() as writer:
            writer.change_members(group, [MemberOp(MemberVerb.ADD, (inside,))])
        company.map(group, PRINT)
        company.round()
        yield company


@pytest.fixture
def run(
    firm: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """A command whose question is answered; what it told."""

    def command(*arguments: str, answers: list[Answer] | None = None, code: int = 0) -> str:
        left = list(answers or [])
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: left.pop(0)())
        assert main(["--data", str(tmp_path / "data"), *arguments]) == code
        assert left == [], "each question was asked"
        return capsys.readouterr().err

    return command


def yes() -> str:
    return "y"


def test_r26_yes_approves_the_removals_that_were_shown(firm: Company, run: Callable[..., str]) -> None:
    said = run("mapping", "remove", "1", answers=[yes])
    assert "lose what they have, after settle window and grace: 8" in said
    assert "held until a person decides (R24): 8; a yes approves exactly these" in said
    firm.now = datetime.now(UTC)  # the command's clock is the real one
    firm.round()
    assert firm.open_holds() == []
    assert firm.state(LIC[0], PRINT) is State.REMOVING
    with reading(firm.engine) as connection:
        [released] = [e for e in audit.entries(connection) if e.action == "hold.released"]
        assert released.actor.startswith("cli:")
    firm.go(minutes=16)
    firm.round()
    firm.go(hours=25)
    firm.round()
    assert firm.holders(PRINT) == set()


def test_r26_what_was_not_shown_is_held(firm: Company, run: Callable[..., str]) -> None:
    run("mapping", "remove", "1", answers=[yes])
    firm.now = datetime.now(UTC)
    firm.map("Other", PRINT)  # gives it to one of the eight
    firm.round()
    [hold] = firm.open_holds()
    assert len(hold.removals) == 7, "another set than the eight that were shown"


@pytest.mark.parametrize("seen_by_a_round", [True, False])
def test_r26_yes_approves_what_was_shown_beside_an_open_hold_and_nothing_else_of_it(
    firm: Company, run: Callable[..., str], seen_by_a_round: bool
) -> None:
    """Six left before, and wait for a person; whether a round knew of it yet makes no difference."""
    for name in LIC[:6]:
        leave(firm, "LIC", name)
    if seen_by_a_round:
        firm.now = datetime.now(UTC)
        firm.round()
        assert [len(hold.removals) for hold in firm.open_holds()] == [6]
    said = run("mapping", "remove", "1", answers=[yes])
    assert "held until a person decides (R24): 2; a yes approves exactly these" in said
    firm.now = datetime.now(UTC)
    firm.round()
    [still] = firm.open_holds()
    assert sorted(name for _, name in still.removals) == LIC[:6]
    assert {firm.state(name, PRINT) for name in LIC[6:]} == {State.REMOVING}
    with reading(firm.engine) as connection:
        [released] = [hold for hold in holds.list_holds(connection) if hold.state == "released"]
    assert [name for _, name in released.removals] == LIC[6:]
    assert released.decided_by.startswith("cli:")


def test_r26_with_yes_as_an_option_removals_go_through_the_guards(
    firm: Company, run: Callable[..., str]
) -> None:
    said = run("mapping", "remove", "1", "--yes")
    assert "held until a person decides (R24): 8\n" in said
    firm.now = datetime.now(UTC)
    firm.round()
    assert [len(hold.removals) for hold in firm.open_holds()] == [8]


def test_r26_r24_who_may_not_release_approves_no_removals(firm: Company, run: Callable[..., str]) -> None:
    with writing(firm.engine) as connection:
        operators.add(connection, "otto", Role.OPERATOR, firm.now)
    run("mapping", "remove", "1", "--as", "otto", answers=[yes])
    firm.now = datetime.now(UTC)
    firm.round()
    assert len(firm.open_holds()) == 1


def test_r26_a_plan_that_changed_meanwhile_is_shown_again(firm: Company, run: Callable[..., str]) -> None:
    def yes_but_somebody_left() -> str:
        leave(firm, "LIC", LIC[0])
        return "y"

    said = run("mapping", "add", "--directory=entra", "--group=Inside", "--product=anyprint",
               answers=[yes_but_somebody_left, lambda: "n"], code=1)  # fmt: skip
    assert said.count("get anyprint: 2") == 2
    assert "Meanwhile the plan has changed:" in said
    assert len(firm.ports().mirror.mappings()) == 1


def test_r07_the_plan_of_a_plain_mapping_warns_of_whom_it_leaves_out(
    firm: Company, run: Callable[..., str]
) -> None:
    run("mapping", "remove", "1", "--yes")
    adding = ("mapping", "add", "--directory=entra", "--group=LIC", "--product=anyprint", "--yes")
    said = run(*adding)
    assert "WARNING: 2 people of groups inside LIC don't get anyprint: the mapping isn't transitive" in said
    run("mapping", "remove", "2", "--yes")
    assert "groups inside" not in run(*adding, "--transitive")


def test_r26_a_yes_is_forgotten_after_an_hour(firm: Company) -> None:
    with writing(firm.engine) as connection:
        holds.approve_ahead(connection, [{(PersonId(1), PRINT)}], "ada", firm.now)
        holds.release_approved(connection, firm.now)
    firm.go(minutes=61)
    with writing(firm.engine) as connection:
        holds.release_approved(connection, firm.now)
        holds.approve_ahead(connection, [{(PersonId(2), PRINT)}], "ada", firm.now)
        assert [each["removals"] for each in holds._ahead(connection, firm.now)] == [[[2, PRINT]]]


def leave(company: Company, group: str, name: str) -> None:
    with reading(company.engine) as connection:
        id = connection.scalars(select(groups.c.id).where(groups.c.display_name == group)).one()
        user = connection.scalars(select(users.c.id).where(users.c.user_name == name)).one()
    company.leave(id, user)


def test_what_cannot_be_done_is_refused_before_anything_is_shown_or_asked(
    firm: Company, run: Callable[..., str]
) -> None:
    firm.map(firm.group("Second", []), PRINT)
    same = ("--directory=entra", "--group=LIC", "--product=anyprint")
    for arguments, gives in (
        (("mapping", "add", *same), "LIC gives anyprint already: remove mapping 1 first"),
        (("mapping", "add", *same, "--yes"), "LIC gives anyprint already: remove mapping 1 first"),
        (("mapping", "repin", "1", "Second"), "Second gives anyprint already: remove mapping 2 first"),
    ):
        assert run(*arguments, code=1) == f"Error: group {gives}\n"


def test_a_mapping_that_is_for_the_group_already_needs_no_question(
    firm: Company, run: Callable[..., str]
) -> None:
    with reading(firm.engine) as connection:
        before = len(list(audit.entries(connection)))
    assert (
        run("mapping", "repin", "1", "LIC") == "Mapping 1 is for this group already: nothing was changed.\n"
    )
    with reading(firm.engine) as connection:
        assert len(list(audit.entries(connection))) == before
