"""Does what the recordings leave behind give the figures that the demo and its guide show?"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from connector.demo.recording import Recording
from sync.model import ProductId
from tests.connector.demo.files import cycles, scenario
from tests.connector.demo.world import World, replay

PRINT, CENTRE, RELEASE, SCAN = "anyprint", "anyprint-centre", "anyprint-release", "anyscan"


@dataclass
class Northmill:
    """The directories, and who is entitled by the mappings of the demo (R01, R05, R06)."""

    worlds: dict[str, World] = field(default_factory=lambda: {"entra": World(), "okta": World()})
    saved: dict[str, dict[str, str]] = field(default_factory=lambda: {"entra": {}, "okta": {}})

    def play(self, recording: Recording) -> Iterator[int]:
        return replay(self.worlds[recording.directory], recording, self.saved[recording.directory])

    def queue(self, product: str) -> list[str]:
        """Everybody enabled whom a mapped group entitles, in the order of R14."""
        best: dict[str, tuple[int, int, int, int]] = {}
        for mapping in scenario().mappings:
            if mapping.product != product:
                continue
            world = self.worlds[mapping.directory]
            users = world.resources["Users"]
            order = list(users)
            for user, since in world.members[self.group(mapping.directory, mapping.group)].items():
                name = users[user]["userName"].casefold().split("@")[0]
                when = (0 if mapping.directory == "entra" else 1, since)
                place = (mapping.priority, *when, order.index(user))
                if self.enabled(name):
                    best[name] = min(best.get(name, place), place)
        return sorted(best, key=best.__getitem__)

    def group(self, directory: str, name: str) -> str:
        groups = self.worlds[directory].resources["Groups"]
        (found,) = [id for id, group in groups.items() if group["displayName"] == name]
        return found

    def enabled(self, name: str) -> bool:
        return any(
            user["active"]
            for world in self.worlds.values()
            for user in world.resources["Users"].values()
            if user["userName"].casefold().split("@")[0] == name
        )

    def snapshot(self) -> object:
        return [(world.resources, world.members) for world in self.worlds.values()]


def northmill(until: str) -> Northmill:
    """Everything played up to that recording, and with it."""
    company = Northmill()
    for recording in cycles():
        assert list(company.play(recording))
        if recording.name == until:
            return company
    raise AssertionError(until)


def test_after_the_first_cycles_36_are_entitled_and_30_seats_are_bought() -> None:
    company, bought = northmill("okta-1"), scenario().quantities
    queue = company.queue(PRINT)
    assert (len(queue), bought[ProductId(PRINT)]) == (36, 30)
    assert queue[30:] == [
        "zoe.nyberg", "bo.lindgren", "cleo.martins", "dev.anand", "elin.strand", "finn.moreau",
    ]  # fmt: skip


def test_priority_puts_sales_before_everybody_else_r14() -> None:
    queue = northmill("okta-1").queue(PRINT)
    assert queue[:8] == [
        "ivo.ruiz", "lena.okoro", "bram.visser", "sunniva.lie", "tomas.ferreira", "yusuf.demir", "greta.holm",
        "pavel.novak",
    ]  # fmt: skip


def test_one_person_is_in_both_directories_and_counts_once_r06() -> None:
    company = northmill("okta-1")
    names = {
        directory: {user["userName"].casefold() for user in world.resources["Users"].values()}
        for directory, world in company.worlds.items()
    }
    assert names["entra"] & names["okta"] == {"ada.berg@northmill.example"}
    okta = company.worlds["okta"]
    assert company.saved["okta"]["u.ada"] in okta.members[company.group("okta", "LIC-AnyPrint-Okta")]
    assert company.queue(PRINT).count("ada.berg") == 1


def test_only_anyprint_is_short_so_that_one_prompt_is_open_r18() -> None:
    company, bought = northmill("okta-1"), scenario().quantities
    without_base = set(company.queue(CENTRE)) - set(company.queue(PRINT))
    assert without_base == {"kai.winther"}, "blocked, MISSING_BASE (R10)"
    assert not set(company.queue(RELEASE)) - set(company.queue(PRINT))
    short = {
        product
        for product, quantity in bought.items()
        if product != SCAN and len(company.queue(product)) > quantity
    }
    assert short == {PRINT}
    assert (len(company.queue(CENTRE)), len(company.queue(RELEASE)), len(company.queue(SCAN))) == (7, 9, 4)
    waiting = set(company.queue(PRINT)[30:])
    assert waiting & set(company.queue(CENTRE)) == {"zoe.nyberg"}, "waits for Centre too, with her base (R10)"
    assert not waiting & set(company.queue(RELEASE))


def test_about_40_people_and_the_leavers() -> None:
    company = northmill("okta-1")
    entra, okta = (company.worlds[name].resources["Users"].values() for name in ("entra", "okta"))
    assert (len(entra), len(okta)) == (39, 10)
    assert [user["displayName"] for user in (*entra, *okta) if not user["active"]] == [
        "Lars Toft",
        "Jon Vesely",
    ]
    groups = [g["displayName"] for w in company.worlds.values() for g in w.resources["Groups"].values()]
    assert groups == [
        "Sales Nordics", "LIC-AnyPrint", "LIC-AnyPrint-Centre", "LIC-AnyPrint-Release", "LIC-AnyScan",
        "LIC-AnyPrint-Okta",
    ]  # fmt: skip


def test_the_restarted_job_changes_nothing_r03() -> None:
    company, (entra, *_) = Northmill(), cycles()
    restart = next(n for n, step in enumerate(entra.steps, 1) if step.note.startswith("The job is restarted"))
    before = None
    for number in company.play(entra):
        if number == restart - 1:
            before = repr(company.snapshot())
    assert before is not None
    assert repr(company.snapshot()) == before
    patched = [step for step in entra.steps[restart:] if step.method == "PATCH"]
    assert len(patched) > 39, "everybody and all members were sent again"


def test_second_cycle_one_leaves_and_one_moves_r04() -> None:
    before, after = northmill("okta-1"), northmill("entra-2")
    assert set(before.queue(PRINT)) - set(after.queue(PRINT)) == {"nina.castell"}
    assert set(before.queue(CENTRE)) - set(after.queue(CENTRE)) == {"nina.castell"}
    lena = after.saved["entra"]["u.lena"]
    entra = after.worlds["entra"]
    assert lena in entra.members[after.group("entra", "LIC-AnyPrint")]
    assert lena not in entra.members[after.group("entra", "Sales Nordics")]
    assert "lena.okoro" in after.queue(PRINT)


@pytest.mark.parametrize(("until", "release"), [("entra-2", 9), ("entra-3", 0), ("entra-4", 9)])
def test_a_group_of_nine_is_emptied_and_filled_again_r24(until: str, release: int) -> None:
    company = northmill(until)
    assert len(company.queue(RELEASE)) == release
    assert (len(company.queue(PRINT)), len(company.queue(CENTRE)), len(company.queue(SCAN))) == (35, 6, 4)
