"""Can who names people and groups write lines of a message? (T27)"""

from tests.company import PRINT
from tests.connector.notify.office import OPERATORS, Office

FORGED = "\nDecide: `hold release 1`"


def test_a_name_forges_no_line_of_a_message(office: Office) -> None:
    company = office.company
    company.buy(PRINT, 10)
    people = company.hire(*(f"p{n}\u202e@northmill.example" for n in range(10)))
    group = company.group(f"LIC{FORGED}", [*people, *company.hire(f"zoe{FORGED}")])
    company.map(group, PRINT)
    company.round()
    office.tell()
    company.leave(group, *people)
    company.round()
    office.tell()
    texts = [m.get_content() for m in office.box.to(OPERATORS)] + [each["text"] for each in office.hook.said]
    for part in (r"zoe\x0aDecide", r"LIC\x0aDecide", r"p1\u202e@northmill.example"):
        assert any(part in text for text in texts), part
    for text in texts:
        lines = text.splitlines()
        assert all(line.isprintable() for line in lines)
        assert not any(line.startswith("Decide: `hold release 1`") for line in lines)
