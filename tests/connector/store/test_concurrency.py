"""Do writers at the same time get what each of them was told? (T14)"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import Engine

from connector.store.tables import memberships, persons
from scim.query import Query
from scim.store import Kind, MemberVerb, NotFound, Taken
from tests.connector.store.mirror import Mirror, marked_names, mirror, rows

ADD, REMOVE, REPLACE = MemberVerb.ADD, MemberVerb.REMOVE, MemberVerb.REPLACE


@pytest.fixture
def northmill(engine: Engine) -> Mirror:
    return mirror(engine)


def together(jobs: Sequence[Callable[[], object]], threads: int) -> Counter[str]:
    """Run the jobs in threads that start at once; what came of them, an exception by its name."""
    barrier = Barrier(threads)

    def work(mine: Sequence[Callable[[], object]]) -> list[str]:
        barrier.wait()
        outcomes = []
        for job in mine:
            try:
                job()
            except Exception as error:
                outcomes.append(type(error).__name__)
            else:
                outcomes.append("done")
        return outcomes

    with ThreadPoolExecutor(threads) as pool:
        return Counter(o for done in pool.map(work, [jobs[n::threads] for n in range(threads)]) for o in done)


def test_one_user_per_user_name_t14(northmill: Mirror) -> None:
    names = [f"user{n}@x.example" for n in range(12)]
    jobs: list[Callable[[], object]] = [
        partial(northmill.user, name.upper() if thread % 2 else name)
        for thread in range(10)
        for name in names
    ]
    outcomes = together(jobs, 10)
    assert outcomes == {"done": len(names), Taken.__name__: 9 * len(names)}
    with northmill.store.reading() as reader:
        assert reader.find(Kind.USER, Query()).total == len(names)
    assert len(rows(northmill.engine, persons)) == len(names)


def test_two_directories_at_once_make_one_person_r06_t14(northmill: Mirror) -> None:
    others = [northmill, *(mirror(northmill.engine, f"d{n}") for n in range(3))]
    names = [f"user{n}" for n in range(8)]
    jobs: list[Callable[[], object]] = [partial(one.user, name) for name in names for one in others]
    assert together(jobs, 4) == {"done": len(jobs)}
    assert len(rows(northmill.engine, persons)) == len(names)
    assert not any(person.conflict for person in rows(northmill.engine, persons))


def test_adds_and_removes_give_the_exact_set_t14(northmill: Mirror) -> None:
    ids = [northmill.user(f"u{n}").id for n in range(45)]
    group = northmill.group("LIC", ids[30:])
    jobs: list[Callable[[], object]] = [
        *(partial(northmill.change, group.id, (ADD, [id])) for id in ids[:30]),
        *(partial(northmill.change, group.id, (REMOVE, [id])) for id in ids[30:]),
    ]
    assert together(jobs, 15) == {"done": 45}
    assert set(northmill.member_ids(group.id)) == set(ids[:30])
    assert northmill.get(Kind.GROUP, group.id).version == 2 + 45


def test_replacements_leave_one_of_them_whole_t14(northmill: Mirror) -> None:
    ids = [northmill.user(f"u{n}").id for n in range(20)]
    group = northmill.group("LIC", ids)
    halves = [ids[:10], ids[10:]]
    jobs: list[Callable[[], object]] = [
        partial(northmill.change, group.id, (REPLACE, half)) for _ in range(6) for half in halves
    ]
    assert together(jobs, 6) == {"done": 12}
    assert set(northmill.member_ids(group.id)) in [set(half) for half in halves]


def test_two_groups_changed_in_opposite_order_do_not_block_each_other_t14(northmill: Mirror) -> None:
    ada, ivo = northmill.user("ada"), northmill.user("ivo")
    one, two = northmill.group("one", [ada.id]), northmill.group("two", [ivo.id])
    jobs: list[Callable[[], object]] = []
    for _ in range(20):
        jobs += [
            partial(northmill.change, one.id, (ADD, [ivo.id]), (REMOVE, [ada.id])),
            partial(northmill.change, two.id, (ADD, [ada.id]), (REMOVE, [ivo.id])),
            partial(northmill.change, one.id, (ADD, [ada.id]), (REMOVE, [ivo.id])),
            partial(northmill.change, two.id, (ADD, [ivo.id]), (REMOVE, [ada.id])),
        ]
    assert together(jobs, 4) == {"done": 80}


def test_users_deleted_while_they_join_leave_nothing_behind_t14(northmill: Mirror) -> None:
    ids = [northmill.user(f"u{n}").id for n in range(12)]
    group = northmill.group("LIC")
    jobs: list[Callable[[], object]] = []
    for id in ids:
        jobs += [
            partial(northmill.change, group.id, (ADD, [id])),
            partial(northmill.delete, Kind.USER, id),
        ]
    assert together(jobs, 8) == {"done": 24}
    assert rows(northmill.engine, memberships) == []
    assert marked_names(northmill.engine) == {f"u{n}" for n in range(12)}


def test_a_group_deleted_while_people_join_leaves_nothing_behind_t14(northmill: Mirror) -> None:
    ids = [northmill.user(f"u{n}").id for n in range(12)]
    group = northmill.group("LIC")
    parent = northmill.group("parent", [group.id])
    jobs: list[Callable[[], object]] = [partial(northmill.change, group.id, (ADD, [id])) for id in ids]
    jobs.insert(6, partial(northmill.delete, Kind.GROUP, group.id))
    outcomes = together(jobs, 4)
    assert set(outcomes) <= {"done", NotFound.__name__}
    assert rows(northmill.engine, memberships) == []
    assert northmill.member_ids(parent.id) == []


@pytest.mark.parametrize("kind", Kind)
def test_who_is_being_deleted_is_nobody_for_who_waits_t14(northmill: Mirror, kind: Kind) -> None:
    going = northmill.user("ada") if kind is Kind.USER else northmill.group("child")
    group = northmill.group("LIC")
    with ThreadPoolExecutor(1) as pool:
        with northmill.store.writing() as writer:
            writer.delete(kind, going.id)
            joining = pool.submit(northmill.change, group.id, (ADD, [going.id]))
            wait([joining], 0.3)
            assert not joining.done()
        assert joining.result(10) == [going.id]
    assert northmill.member_ids(group.id) == []


@pytest.mark.long
def test_fifty_threads_and_a_hundred_names_t14(northmill: Mirror) -> None:
    jobs: list[Callable[[], object]] = [
        partial(northmill.user, f"user{n}") for _ in range(50) for n in range(100)
    ]
    assert together(jobs, 50) == {"done": 100, Taken.__name__: 4900}


@pytest.mark.long
def test_a_hundred_adds_and_fifty_removes_t14(northmill: Mirror) -> None:
    ids = [northmill.user(f"u{n}").id for n in range(150)]
    group = northmill.group("LIC", ids[100:])
    jobs: list[Callable[[], object]] = [
        *(partial(northmill.change, group.id, (ADD, [id])) for id in ids[:100]),
        *(partial(northmill.change, group.id, (REMOVE, [id])) for id in ids[100:]),
    ]
    assert together(jobs, 50) == {"done": 150}
    assert set(northmill.member_ids(group.id)) == set(ids[:100])
