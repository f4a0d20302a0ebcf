# SPDX-License-Identifier: Apache-2.0
"""Raw images of disks with partition tables, for tests: numbers are sectors of 512 bytes; content fills from the first sector."""
import struct
import zlib

SECTOR = 512


def blank(sectors):
    return bytearray(sectors * SECTOR)


def fill(image, sector, content):
    image[sector * SECTOR:sector * SECTOR + len(content)] = content
    return image


def mbr(image, entries, at=0, flag=0):
    """entries: (type, first, sectors), at most four, written into the sector `at`."""
    for number, (kind, first, count) in enumerate(entries):
        struct.pack_into("<B3xB3xII", image, at * SECTOR + 446 + 16 * number, flag, kind, first, count)
    image[at * SECTOR + 510:at * SECTOR + 512] = b"\x55\xaa"
    return image


def gpt(image, parts, backup_only=False, slots=128):
    """parts: (first, last, name)."""
    size = len(image) // SECTOR
    table = b"".join(bytes([number + 1]) * 32 + struct.pack("<QQQ", first, last, 0) + name.encode("utf-16-le").ljust(72, b"\0")
                     for number, (first, last, name) in enumerate(parts)).ljust(slots * 128, b"\0")
    blocks = -(-len(table) // SECTOR)

    def header(current, other, where):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, current, other, 2 + blocks, size - 2 - blocks, b"D" * 16,
                           where, slots, 128, zlib.crc32(table))
        return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]

    for current, other, where in ((1, size - 1, 2), (size - 1, 1, size - 1 - blocks))[1 if backup_only else 0:]:
        image[current * SECTOR:current * SECTOR + 92] = header(current, other, where)
        image[where * SECTOR:where * SECTOR + len(table)] = table
    return mbr(image, [(0xee, 1, len(image) // SECTOR - 1)])


def apm(image, parts, block=SECTOR):
    """parts: (first, blocks, name, type); the map itself is the first entry."""
    image[0:8] = struct.pack(">2sHI", b"ER", block, len(image) // block)
    entries = [(1, 9, "map", "Apple_partition_map"), *parts]
    for number, (first, count, name, kind) in enumerate(entries, 1):
        image[number * block:number * block + 80] = (struct.pack(">2sHIII", b"PM", 0, len(entries), first, count)
                                                      + name.encode().ljust(32, b"\0") + kind.encode().ljust(32, b"\0"))
    return image


def cases(case):
    """Images good and bad with what comes out of them; `case` is doc_cases.case."""
    def overlap(word):
        return {("partition-overlap", word)}

    one, two = b"first partition".ljust(SECTOR, b"1"), b"second".ljust(2 * SECTOR, b"2")
    disk = fill(fill(blank(38), 4, one), 6, two)
    yield case("partition", "mbr", mbr(disk[:], [(0x83, 4, 1), (0x0c, 6, 2)]), {"partition-1": one, "partition-2": two})
    yield case("partition", "mbr-overlap", mbr(disk[:], [(0x83, 4, 3), (0x0c, 6, 2)]), {"partition-2": two}, overlap("MBRPartitionnIntersect"))
    yield case("partition", "mbr-inside", mbr(disk[:], [(0x83, 2, 30), (0x83, 3, 1), (0x0c, 6, 2)]), {"partition-3": two},
               overlap("MBRPartitionnIntersect"))
    yield case("partition", "mbr-cut", mbr(disk[:8 * SECTOR], [(0x83, 4, 1), (0x0c, 6, 2000)]), {"partition-1": one, "partition-2": two})
    yield case("partition", "mbr-hybrid", mbr(disk[:], [(0x17, 0, 38), (0xef, 6, 2)]), {"partition-1": two}, overlap("MBRPartitionnIntersect"))
    chain = mbr(mbr(mbr(disk[:], [(0x0f, 3, 30)]), [(0x83, 1, 1), (5, 2, 4)], at=3), [(0x83, 1, 2), (5, 0, 4)], at=5)
    yield case("partition", "mbr-chain", chain, {"partition-2": one, "partition-3": two})
    loop = mbr(mbr(disk[:], [(0x0f, 3, 30)]), [(0x83, 1, 1), (5, 0, 4)], at=3)
    yield case("partition", "mbr-loop", loop, {"partition-2": one})
    yield case("partition", "mbr-huge", mbr(disk[:], [(0x83, 4, 1), (0x83, 0xfffffff0, 0xffffffff)]), {"partition-1": one})
    table = fill(fill(blank(30), 10, one), 20, two)

    def small(parts, **more):
        return gpt(table[:], parts, slots=8, **more)

    yield case("partition", "gpt", small([(10, 10, "EFI \u6771"), (20, 21, "root")]), {"EFI \u6771": one, "root": two})
    yield case("partition", "gpt-overlap", small([(10, 20, "a"), (20, 21, "b")]), {"b": two}, overlap("GPTPartitionIntersection"))
    yield case("partition", "gpt-backup", small([(20, 21, "late")], backup_only=True), {"late": two})
    broken = small([(60, 59, "backwards"), (2**63, 2**64 - 1, "beyond"), (20, 2**64 - 1, "endless")])
    yield case("partition", "gpt-broken", broken, {"endless": None})
    endless = small([(20, 21, "x")])
    struct.pack_into("<I", endless, SECTOR + 80, 0xffffffff)
    yield case("partition", "gpt-endless", endless, {"x": two}, overlap("GPTPartitionIntersection"))  # what lies behind is no table
    many = gpt(blank(600), [])
    many[2 * SECTOR:2 * SECTOR + 1100 * 128] = b"".join(b"T" * 32 + struct.pack("<QQQ", 300 + n % 290, 300 + n % 290, 0) + bytes(72) for n in range(1100))
    struct.pack_into("<I", many, SECTOR + 80, 1100)
    yield case("partition", "gpt-many", many, {"partition-1": bytes(SECTOR)}, overlap("GPTPartitionIntersection"), {"limit-files"})
    apple = fill(fill(blank(38), 24, one), 30, two)
    yield case("partition", "apm", apm(apple[:], [(24, 1, "disk", "Apple_HFS"), (30, 2, "x" * 32, "Apple_HFS"), (25, 9, "", "Apple_Free")]),
               {"disk": one, "x" * 32: two})
    yield case("partition", "apm-overlap", apm(apple[:], [(24, 10, "disk", "Apple_HFS"), (30, 2, "y", "Apple_HFS")]), {"y": two},
               overlap("APMPartitionIntersection"))
