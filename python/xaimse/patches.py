"""Where the patches of a grid lie. Needs no torch."""


def borders(size: int, grid: int, mask: str) -> list[float]:
    """Where patches begin and end along a side, as shares of it: grid + 1 values from 0 to 1.

    Of soft masks half-way between the tents' centres, where both neighbours weigh one half.
    """
    if mask == "hard":
        return [(2 * i * size + grid) // (2 * grid) / size for i in range(grid)] + [1.0]
    inner = [((i - 0.5) * (size - 1) / (grid - 1) + 0.5) / size for i in range(1, grid)]
    return [0.0, *inner, 1.0]
