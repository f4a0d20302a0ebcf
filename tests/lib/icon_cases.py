# SPDX-License-Identifier: Apache-2.0
"""Programs with icons that hold nothing harmful: pictures by seed in every packing, resources of every shape."""
import struct

from mkpe import PE, resources

ICON, GROUP = 3, 14
SIDES = (16, 24, 32)
FIXED = "10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a30707600a0960010a5c0a012a00003800043c040020222152"


def bitmap(width, height, bits, rows, palette=None, mask=None, **head):
    """Bytes of an RT_ICON. rows from the top: numbers (up to 16 bits) or (b, g, r[, a]). mask: rows of 0, 1; False: left out."""
    stride = ((width * bits + 31) // 32) * 4
    out = struct.pack("<IiiHHIIiiII", head.get("size", 40), width, head.get("doubled", height * 2), 1, bits,
                      head.get("packing", 0), 0, 0, 0, 0, 0) + bytes(head.get("size", 40) - 40)
    for colour in palette or ():
        out += bytes(colour)
    for row in reversed(rows):
        if bits >= 24:
            line = b"".join(bytes(pixel[:bits // 8]) for pixel in row)
        elif bits == 16:
            line = b"".join(struct.pack("<H", pixel) for pixel in row)
        else:
            per = 8 // bits
            line = bytearray((width + per - 1) // per)
            for i, pixel in enumerate(row):
                line[i // per] |= pixel << (8 - bits - (i % per) * bits)
        out += bytes(line).ljust(stride, b"\0")
    for row in reversed(mask if mask else [[0] * width] * height if mask is None else []):
        line = bytearray(((width + 31) // 32) * 4)
        for i, bit in enumerate(row):
            line[i // 8] |= bit * (128 >> (i % 8))
        out += bytes(line)
    return out


def group(numbers):
    return struct.pack("<HHH", 0, 1, len(numbers)) + b"".join(struct.pack("<BBBBHHIH", 16, 16, 0, 0, 1, 24, 0, n) for n in numbers)


def program(leaves, pe64=False):
    """leaves: [(type, name, language, bytes)]."""
    tree = resources(0x3000, leaves)
    room = (len(tree) + 0xFFF) // 0x1000 * 0x1000
    pe = PE(0x1800 + room, pe64, headers=0x400)
    pe.section(b".text", 0x1000, 0x400, 0x400, 0x400).section(b".idata", 0x2000, 0x1000, 0x800, 0x1000)
    pe.section(b".rsrc", 0x3000, room, 0x1800, room)
    pe.image = 0x10000 + room
    pe.dirs[2] = (0x3000, len(tree))
    return pe.put(0x1800, tree).bytes()


def with_icons(icons, pe64=False):
    leaves = [(ICON, i + 1, 0x409, icon) for i, icon in enumerate(icons)]
    return program(leaves + [(GROUP, 1, 0x409, group(range(1, len(icons) + 1)))], pe64)


def fixed():
    """An icon, and the fingerprint that clamscan printed for it."""
    rows = [[(value & 255, (value >> 2) * 7 & 255, (x * x + y * 29) & 255) for x in range(16) for value in [x * 37 + y * 91 + x * y * 13]] for y in range(16)]
    return bitmap(16, 16, 24, rows), FIXED


def picture(rnd, width, height):
    """Rows of (b, g, r): noise, greys, boxes, slopes, few colours on one ground."""
    colour = lambda: tuple(rnd.randrange(256) for _ in range(3))  # noqa: E731
    kind = rnd.randrange(5)
    if kind == 0:
        return [[colour() for _ in range(width)] for _ in range(height)]
    if kind == 1:
        return [[(v, v, v) for v in (rnd.randrange(256) for _ in range(width))] for _ in range(height)]
    if kind == 2:
        a, b, c = colour(), colour(), colour()
        return [[tuple((a[i] * (width - x) + b[i] * x + c[i] * y) // (width + height) for i in range(3)) for x in range(width)] for y in range(height)]
    ground = colour()
    rows = [[ground] * width for _ in range(height)]
    for _ in range(rnd.choice((1, 3, 6))):
        x0, x1 = sorted(rnd.randrange(width + 1) for _ in range(2))
        y0, y1 = sorted(rnd.randrange(height + 1) for _ in range(2))
        ink = colour() if kind == 3 else (rnd.randrange(256),) * 3
        for y in range(y0, y1):
            rows[y][x0:x1] = [ink] * (x1 - x0)
    return rows


def icon(rnd, side=None):
    """One icon in a random packing; sometimes of a size that is scaled, or refused."""
    if side is None:
        side = rnd.choice(SIDES + (48, 64, 17, 20, 23, 25, 29, 40, 57, 72, 96, 128, 15))
    width, height = side, side
    if rnd.random() < 0.1:
        height = max(16, side - rnd.randrange(side // 3 + 1))
    bits = rnd.choice((1, 4, 8, 16, 24, 32, 32))
    mask = [[int(rnd.random() < 0.3) for _ in range(width)] for _ in range(height)] if rnd.random() < 0.5 else None
    if bits <= 8:
        palette = [tuple(rnd.randrange(256) for _ in range(3)) + (rnd.choice((0, 0, 0, 77)),) for _ in range(1 << bits)]
        few = rnd.randrange(1, 1 << bits) + 1
        return bitmap(width, height, bits, [[rnd.randrange(few) for _ in range(width)] for _ in range(height)], palette, mask)
    if bits == 16:
        ground = rnd.randrange(65536)
        return bitmap(width, height, bits, [[ground if rnd.random() < 0.5 else rnd.randrange(65536) for _ in range(width)] for _ in range(height)], None, mask)
    rows = picture(rnd, width, height)
    if bits == 32:
        opacity = rnd.choice((lambda: 255, lambda: 0, lambda: rnd.choice((0, 255)), lambda: rnd.randrange(256)))
        rows = [[pixel + (opacity(),) for pixel in row] for row in rows]
    return bitmap(width, height, bits, rows, None, mask)


def odd_programs(rnd):
    """(name, bytes): trees that ask which icons are looked at."""
    icons = [icon(rnd, 16) for _ in range(6)]
    leaves = [(ICON, i + 1, 9, data) for i, data in enumerate(icons)]
    cut = bytearray(group([1, 2]))
    cut[4:6] = struct.pack("<H", 9)
    return [
        ("two-groups", program(leaves + [(GROUP, 1, 9, group([2])), (GROUP, 2, 9, group([1]))])),
        ("missing", program(leaves + [(GROUP, 1, 9, group([200, 3, 201]))])),
        ("icon-languages", program(leaves + [(ICON, 1, 10, icons[5]), (GROUP, 1, 10, group([1]))])),
        ("group-languages", program(leaves + [(GROUP, 1, 9, group([1])), (GROUP, 1, 10, group([4]))])),
        ("no-group", program(leaves)), ("no-icons", program([(GROUP, 1, 9, group([1]))])),
        ("count-too-large", program(leaves + [(GROUP, 1, 9, bytes(cut))])),
        ("cut-group", program(leaves + [(GROUP, 1, 9, group([1, 2])[:26])])),
        ("many", program([(ICON, i + 1, 9, icons[i % 6]) for i in range(130)] + [(GROUP, 1, 9, group(range(1, 131)))])),
        ("missing-count", program(leaves + [(GROUP, 1, 9, group(list(range(200, 300)) + [1]))])),
        ("broken-then-good", program(leaves + [(ICON, 9, 9, b"x" * 100), (GROUP, 1, 9, group([9, 1]))])),
        ("header-64", with_icons([bitmap(16, 16, 24, picture(rnd, 16, 16), size=64)])),
        ("packing-6", with_icons([bitmap(16, 16, 24, picture(rnd, 16, 16), packing=6)])),
        ("negative", with_icons([bitmap(16, 16, 24, picture(rnd, 16, 16), doubled=-32)])),
        ("two-bits", with_icons([bitmap(16, 16, 2, [[1] * 16] * 16, [(0, 0, 0, 0)] * 4)])),
        ("plus", with_icons([icons[0], icons[1]], pe64=True)),
    ]
