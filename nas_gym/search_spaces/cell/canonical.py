"""One sentence for all that mean the same cell."""

from nas_gym.search_spaces.cell.description import children_of, node_of, operation_of, written_out


def canonical_tokens(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sentence in which the children of each node stand in a fixed order.

    Children are ordered by the text of their subtrees, in which c_t and c_{t-1} are marked where they leave
    and enter. Swapped children take what is below them along, and both indices follow their nodes. Those of
    operations that do not commute stay where they are. What makes no difference is as in ``written_out``;
    where one operand is passed on twice, two activations in a row are not made one. Equal weights make equal
    h_t only if the rows of leaves are swapped, too, and equal c_t if it makes a difference.

    Args:
        tokens: A complete sentence.
    """
    base = len(tokens) // 2 - 1
    nodes = 2 * base - 1
    tokens = written_out(tokens)
    marked = tokens[nodes + 1 :]
    texts: list[str] = []

    def ordered(node: int) -> list[int]:
        children = list(children_of(node, base))
        return sorted(children, key=texts.__getitem__) if operation_of(tokens[node]).commutes else children

    for node in range(nodes):
        below = [texts[child] for child in ordered(node)] if node >= base else []
        marks = [node_of(name) == node for name in marked]
        texts.append(f"({tokens[node]} {marks} {' '.join(below)})")
    levels = [[nodes - 1]]
    while levels[-1][0] >= base:
        levels.append([child for node in levels[-1] for child in ordered(node)])
    order = [node for level in reversed(levels) for node in level]
    places = [f"node-{order.index(node_of(name))}" for name in marked]
    return (*(tokens[node] for node in order), tokens[nodes], *places)
