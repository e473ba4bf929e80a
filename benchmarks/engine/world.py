"""Which company is measured? Its names and numbers, the same on both databases."""

from dataclasses import dataclass

from sync.model import ProductId

TOKEN = "asc_" + "e" * 43  # of a database that lives as long as the measurement
PRODUCTS = tuple(ProductId(p) for p in ("anyprint", "anyprint-centre", "anyprint-release"))
#: people of the directory who are in no group yet: they join while it is measured
NEWCOMERS = 200


@dataclass(frozen=True, slots=True)
class World:
    """`people` in one group a product; `served`: mapped, and everybody has all three licenses."""

    people: int
    served: bool = True

    @property
    def name(self) -> str:
        return f"{self.people}{'' if self.served else '-unmapped'}"

    @property
    def everybody(self) -> int:
        return self.people + NEWCOMERS

    def user_name(self, number: int) -> str:
        return f"person.{number:08}@northmill.example"


def user_id(number: int) -> str:
    """The SCIM id of a person by number, from 1 on."""
    return f"00000000-0000-4000-8000-{number:012}"


def group_id(product: ProductId) -> str:
    return f"00000000-0000-4000-9000-{PRODUCTS.index(product) + 1:012}"
