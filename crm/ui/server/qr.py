"""QR codes (ISO/IEC 18004) for a line of text: byte mode, error correction L, versions 1 to 10, drawn as SVG.

Just what the key of an authenticator app needs: at most 271 bytes.
"""

from collections.abc import Iterator

# Per version: error-correction bytes a block, and the data bytes of each block.
_BLOCKS = {
    1: (7, [19]),
    2: (10, [34]),
    3: (15, [55]),
    4: (20, [80]),
    5: (26, [108]),
    6: (18, [68, 68]),
    7: (20, [78, 78]),
    8: (24, [97, 97]),
    9: (30, [116, 116]),
    10: (18, [68, 68, 69, 69]),
}
_ALIGNMENT = {
    1: [],
    2: [6, 18],
    3: [6, 22],
    4: [6, 26],
    5: [6, 30],
    6: [6, 34],
    7: [6, 22, 38],
    8: [6, 24, 42],
    9: [6, 26, 46],
    10: [6, 28, 50],
}
_QUIET = 4  # the white margin that readers need, in modules

Grid = list[list[bool | None]]


def svg(text: str) -> str:
    """Return a QR code of the text as an SVG drawing, empty where the text is too long."""
    modules = matrix(text.encode())
    if not modules:
        return ""
    side = len(modules) + 2 * _QUIET
    path = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(modules) for x, dark in enumerate(row) if dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#17304f" d="{path}"/></svg>'
    )


def matrix(data: bytes) -> list[list[bool]]:
    """Return the modules of a QR code row by row, dark ones true; empty where the data is too long."""
    version = next((v for v, (_ec, blocks) in _BLOCKS.items() if len(data) + _header_bytes(v) <= sum(blocks)), None)
    if version is None:
        return []
    grid = _function_patterns(version)
    free = [[cell is None for cell in row] for row in grid]
    bits = ((byte >> bit) & 1 for byte in _codewords(data, version) for bit in range(7, -1, -1))
    for y, x in _zigzag(len(grid)):
        if free[y][x]:
            grid[y][x] = bool(next(bits, 0)) ^ ((y + x) % 2 == 0)  # mask 0
    _draw_format(grid)
    return [[bool(cell) for cell in row] for row in grid]


def _header_bytes(version: int) -> int:
    return 2 if version < 10 else 3  # mode and length take 12 or 20 bits


def _codewords(data: bytes, version: int) -> list[int]:
    """Return data and error correction in the order in which they are laid out."""
    correction, sizes = _BLOCKS[version]
    bits = f"0100{len(data):0{8 if version < 10 else 16}b}" + "".join(f"{byte:08b}" for byte in data) + "0000"
    bits = bits[: sum(sizes) * 8].ljust(-(-len(bits) // 8) * 8, "0")
    words = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    words += [(0xEC, 0x11)[n % 2] for n in range(sum(sizes) - len(words))]
    blocks, start = [], 0
    for size in sizes:
        blocks.append(words[start : start + size])
        start += size
    remainders = [_remainder(block, correction) for block in blocks]
    laid = [block[n] for n in range(max(sizes)) for block in blocks if n < len(block)]
    return laid + [remainder[n] for n in range(correction) for remainder in remainders]


def _powers() -> tuple[list[int], list[int]]:
    exponents, logarithms, value = [0] * 512, [0] * 256, 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    return exponents, logarithms


_EXP, _LOG = _powers()


def _remainder(block: list[int], correction: int) -> list[int]:
    """Return the Reed-Solomon remainder of a block over GF(256)."""
    generator = [1]
    for power in range(correction):
        longer = [*generator, 0]
        for n, coefficient in enumerate(generator):
            longer[n + 1] ^= _EXP[_LOG[coefficient] + power] if coefficient else 0
        generator = longer
    work = [*block, *[0] * correction]
    for n in range(len(block)):
        factor = work[n]
        if factor:
            for offset, coefficient in enumerate(generator):
                work[n + offset] ^= _EXP[_LOG[coefficient] + _LOG[factor]]
    return work[len(block) :]


def _function_patterns(version: int) -> Grid:
    side = 17 + 4 * version
    grid: Grid = [[None] * side for _row in range(side)]
    for top, left in ((0, 0), (0, side - 7), (side - 7, 0)):
        for y in range(-1, 8):
            for x in range(-1, 8):
                if 0 <= top + y < side and 0 <= left + x < side:
                    ring = max(abs(y - 3), abs(x - 3))
                    grid[top + y][left + x] = ring in (0, 1, 3)
    for centre_y in _ALIGNMENT[version]:
        for centre_x in _ALIGNMENT[version]:
            if grid[centre_y][centre_x] is None:
                for y in range(-2, 3):
                    for x in range(-2, 3):
                        grid[centre_y + y][centre_x + x] = max(abs(y), abs(x)) != 1
    for n in range(8, side - 8):
        grid[6][n] = grid[n][6] = n % 2 == 0
    for n in range(9):  # kept for the format, drawn last
        grid[8][n] = grid[8][n] or False
        grid[n][8] = grid[n][8] or False
        if n < 8:
            grid[8][side - 1 - n] = grid[side - 1 - n][8] = False
    if version >= 7:
        information = version << 12 | _bch(version, 12, 0x1F25)
        for n in range(18):
            grid[n // 3][side - 11 + n % 3] = grid[side - 11 + n % 3][n // 3] = bool(information >> n & 1)
    return grid


def _draw_format(grid: Grid) -> None:
    side = len(grid)
    level_and_mask = 0b01000
    information = (level_and_mask << 10 | _bch(level_and_mask, 10, 0x537)) ^ 0x5412
    first = [*((8, n) for n in (0, 1, 2, 3, 4, 5, 7, 8)), *((n, 8) for n in (7, 5, 4, 3, 2, 1, 0))]
    second = [*((side - 1 - n, 8) for n in range(7)), *((8, side - 8 + n) for n in range(8))]
    for places in (first, second):
        for n, (y, x) in enumerate(places):
            grid[y][x] = bool(information >> (14 - n) & 1)
    grid[side - 8][8] = True


def _bch(value: int, extra: int, generator: int) -> int:
    remainder = value << extra
    while remainder.bit_length() >= generator.bit_length():
        remainder ^= generator << (remainder.bit_length() - generator.bit_length())
    return remainder


def _zigzag(side: int) -> Iterator[tuple[int, int]]:
    upward = True
    for right in range(side - 1, 0, -2):
        column = right if right > 6 else right - 1
        for n in range(side):
            y = side - 1 - n if upward else n
            yield y, column
            yield y, column - 1
        upward = not upward
