"""Which mappings give something to the members of which group? (R07)"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sync.model import GroupId, ProductId
from sync.model import Mapping as GroupMapping
from sync.plan import Applicable

Edges = Mapping[GroupId, Sequence[GroupId]]


def applicable(mappings: Sequence[GroupMapping], nestings: Sequence[tuple[GroupId, GroupId]]) -> Applicable:
    """For each group the mappings that its direct members profit from, in the order of mapping ids.

    `nestings` are (parent, child). A transitive mapping reaches all descendants of its group, once each,
    whatever the depth, the number of paths and the cycles; another one reaches its own group only.
    """
    children = _children(nestings)
    found: dict[GroupId, list[GroupMapping]] = defaultdict(list)
    for mapping in sorted(mappings, key=lambda m: m.id):
        reached = descendants(mapping.group, children) if mapping.transitive else (mapping.group,)
        for group in reached:
            found[group].append(mapping)
    return {group: tuple(those) for group, those in found.items()}


def givers(mappings: Sequence[GroupMapping]) -> dict[ProductId, tuple[str, ...]]:
    """For each product the names of the groups that give it."""
    found: dict[ProductId, set[str]] = defaultdict(set)
    for mapping in mappings:
        if not mapping.gone:
            found[mapping.product].add(mapping.group_name)
    return {product: tuple(sorted(names)) for product, names in found.items()}


def descendants(root: GroupId, children: Edges) -> Iterator[GroupId]:
    """The group itself and all below it, each once; no recursion, so that depth is no matter."""
    seen = {root}
    left = [root]
    while left:
        group = left.pop()
        yield group
        for child in children.get(group, ()):
            if child not in seen:
                seen.add(child)
                left.append(child)


def _children(nestings: Sequence[tuple[GroupId, GroupId]]) -> dict[GroupId, list[GroupId]]:
    children: dict[GroupId, list[GroupId]] = defaultdict(list)
    for parent, child in nestings:
        children[parent].append(child)
    return children
