"""Who stands for whom: the cheapest one-to-one assignment."""

from collections.abc import Sequence


def cheapest(cost: Sequence[Sequence[int]]) -> list[int]:
    """For each row the column that it is assigned to, so that the sum of costs is the least possible.

    Kuhn-Munkres with potentials, exact, in cubic time: 16 rows take a millisecond. `cost` is square; the same costs
    always give the same assignment.
    """
    size = len(cost)
    infinity = 1 + 2 * size * sum(map(sum, cost))
    row_potential, column_potential = [0] * (size + 1), [0] * (size + 1)
    row_of, way = [0] * (size + 1), [0] * (size + 1)
    for row in range(1, size + 1):
        row_of[0], column = row, 0
        least, used = [infinity] * (size + 1), [False] * (size + 1)
        while row_of[column] != 0:
            used[column] = True
            current, delta, following = row_of[column], infinity, 0
            for other in range(1, size + 1):
                if used[other]:
                    continue
                reduced = cost[current - 1][other - 1] - row_potential[current] - column_potential[other]
                if reduced < least[other]:
                    least[other], way[other] = reduced, column
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(size + 1):
                if used[other]:
                    row_potential[row_of[other]] += delta
                    column_potential[other] -= delta
                else:
                    least[other] -= delta
            column = following
        while column:
            row_of[column] = row_of[way[column]]
            column = way[column]
    chosen = [0] * size
    for column in range(1, size + 1):
        chosen[row_of[column] - 1] = column - 1
    return chosen
