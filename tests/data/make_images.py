"""Golden data of image_test: images, and the RGB bytes that PIL makes of each.

make_images.py OUT             makes images of all kinds
make_images.py OUT FILE...     takes these

OUT/golden.tsv has a line for each: file, width, height, file of its RGB bytes.
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
golden = open(out / "golden.tsv", "w")
random = np.random.default_rng(1)


def record(path, rgb=None):
    """Adds the file to the golden list; `rgb`: H x W x 3 uint8 in the place of PIL's pixels."""
    if rgb is None:
        rgb = np.asarray(Image.open(path).convert("RGB"))
    height, width, _ = rgb.shape
    raw = out / (Path(path).name + ".rgb")
    raw.write_bytes(np.ascontiguousarray(rgb).tobytes())
    golden.write(f"{path}\t{width}\t{height}\t{raw}\n")


def save(name, image, **options):
    path = out / name
    image.save(path, **options)
    record(path)
    return path


def scene(height, width, channels):
    """A smooth picture with edges and some noise, so that chroma upsampling and rounding show."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (5 + c) + c) * np.cos(y / (7 - c)) + 30 * ((x // 9 + y // 11 + c) % 2) for c in range(channels)]
    noisy = np.stack(planes, -1) + random.normal(0, 6, (height, width, channels))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, colour_type, bits, passes=((0, 0, 1, 1),), chunks=b""):
    """A PNG of H x W x C samples (uint8, or big-endian uint16), unfiltered, in the given interlace passes."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in np.ascontiguousarray(samples[y::dy, x::dx]))
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, len(passes) > 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_jpegs():
    rgb, grey, cmyk = (Image.fromarray(scene(61, 83, c).squeeze(), m) for c, m in ((3, "RGB"), (1, "L"), (4, "CMYK")))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        save(f"rgb-{subsampling.replace(':', '')}.jpg", rgb, quality=85, subsampling=subsampling)
    save("progressive.jpg", rgb, quality=70, progressive=True)
    save("restart-markers.jpg", rgb, quality=80, restart_marker_blocks=3)
    save("rgb-not-ycc.jpg", rgb, quality=90, keep_rgb=True)
    save("one-pixel.jpg", rgb.crop((0, 0, 1, 1)))
    save("grey.jpg", grey, quality=80)
    save("grey-progressive.jpg", grey, quality=80, progressive=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    thumbnail = io.BytesIO()
    rgb.resize((20, 15)).save(thumbnail, "JPEG")
    rotated = save("exif-rotated.jpg", rgb, exif=exif)
    record_bytes("thumbnail.jpg", with_segment(rotated.read_bytes(), 0xE1, b"Exif\0\0" + thumbnail.getvalue()))
    record_bytes("trailing-garbage.jpg", rotated.read_bytes() + b"\0\xff\xd9garbage")
    record_bytes("extraneous-bytes.jpg", rotated.read_bytes()[:-2] + b"\0\0\0\xff\xd9")
    stored = save("cmyk.jpg", cmyk, quality=85)
    save("cmyk-progressive.jpg", cmyk, quality=85, progressive=True)
    data = stored.read_bytes()
    adobe = data.index(b"Adobe")
    assert data[adobe + 11] == 0
    record_bytes("ycck.jpg", data[: adobe + 11] + b"\2" + data[adobe + 12 :])
    record_bytes("cmyk-without-adobe.jpg", data[: adobe - 4] + data[adobe + 12 :])


def with_segment(jpeg, marker, payload):
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload + jpeg[2:]


def record_bytes(name, data, rgb=None):
    path = out / name
    path.write_bytes(data)
    record(path, rgb)


def make_pngs():
    rgb = scene(37, 53, 3)
    rgba = scene(37, 53, 4)
    image = Image.fromarray(rgb)
    save("rgb.png", image)
    save("rgb-transparent-colour.png", image, transparency=tuple(int(v) for v in rgb[0, 0]))
    save("rgba.png", Image.fromarray(rgba, "RGBA"))
    save("grey.png", Image.fromarray(rgb[..., 0]))
    save("grey-transparent.png", Image.fromarray(rgb[..., 0]), transparency=200)
    save("grey-alpha.png", Image.fromarray(rgba[..., :2].copy(), "LA"))
    save("black-and-white.png", Image.fromarray(rgb[..., 0]).convert("1"))
    for colours in (2, 4, 16, 200):
        palette = image.quantize(colours)
        save(f"palette-{colours}.png", palette)
        save(f"palette-{colours}-transparent.png", palette, transparency=bytes(range(0, 2 * colours, 2))[:colours] if colours < 128 else 7)
    save("colour-profile.png", image, icc_profile=b"not a profile")
    record_bytes("not-a-jpeg.JPEG", (out / "rgb.png").read_bytes())
    adam7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    record_bytes("interlaced.png", png(rgb, 2, 8, adam7))
    record_bytes("gamma.png", png(rgb, 2, 8, chunks=chunk(b"gAMA", struct.pack(">I", 100000))))
    deep = random.integers(0, 65536, (37, 53, 4)).astype(">u2")
    record_bytes("rgb-16.png", png(deep[..., :3], 2, 16))
    record_bytes("rgba-16.png", png(deep, 6, 16))
    record_bytes("grey-alpha-16.png", png(deep[..., :2], 4, 16))
    # the stated deviation: PIL clips these at 255
    high = (deep[..., :1] >> 8).astype(np.uint8)
    record_bytes("grey-16.png", png(deep[..., :1], 0, 16), np.repeat(high, 3, -1))


def make_webps():
    rgb, rgba = scene(45, 67, 3), scene(45, 67, 4)
    image, transparent = Image.fromarray(rgb), Image.fromarray(rgba, "RGBA")
    save("lossless.webp", image, lossless=True)
    save("lossless-palette.webp", image.quantize(11).convert("RGB"), lossless=True)
    save("alpha.webp", transparent, lossless=True, exact=True)
    for quality in (5, 50, 80, 100):
        save(f"lossy-{quality}.webp", image, quality=quality)
    save("lossy-alpha.webp", transparent, quality=70, exact=True)
    save("lossy-photograph.webp", Image.fromarray(scene(301, 407, 3)), quality=75)
    for width, height in ((1, 1), (2, 1), (1, 3), (16, 16), (17, 33)):
        small = image.crop((0, 0, width, height))
        save(f"lossy-{width}x{height}.webp", small, quality=60)
        save(f"lossless-{width}x{height}.webp", small, lossless=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("metadata.webp", image, quality=60, exif=exif, icc_profile=b"not a profile", xmp=b"<x/>")
    moving = {"save_all": True, "duration": 50}
    save("moving.webp", image, append_images=[image.rotate(180), image.rotate(90)], quality=60, **moving)
    save("moving-alpha.webp", transparent, append_images=[transparent.rotate(180)], lossless=True, **moving)
    for name, colours, options in (
        ("opaque", image, {"quality": 60}),
        ("lossless", image, {"lossless": True}),
        ("alpha", transparent, {"quality": 60, "exact": True}),
        ("lossless-alpha", transparent, {"lossless": True, "exact": True}),
    ):
        record_bytes(f"moving-in-part-{name}.webp", moving_in_part(colours, **options))
    record_bytes("trailing-garbage.webp", (out / "lossy-50.webp").read_bytes() + b"garbage")
    record_bytes("webp.jpg", (out / "lossy-50.webp").read_bytes())


def moving_in_part(image, **options):
    """An animated WebP on a canvas of 100 x 80, of a colour of its own, with `image` as first frame at (18, 22)."""
    stored = io.BytesIO()
    image.save(stored, "WEBP", **options)
    chunks, at = b"", 12
    while at < len(stored.getvalue()):
        kind, size = struct.unpack_from("<4sI", stored.getvalue(), at)
        end = at + 8 + size + size % 2
        if kind in (b"ALPH", b"VP8 ", b"VP8L"):
            chunks += stored.getvalue()[at:end]
        at = end

    def three(*values):
        return b"".join(struct.pack("<I", v)[:3] for v in values)

    def riff_chunk(kind, data):
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    def frame(x, y):
        blend = b"\0"
        return riff_chunk(b"ANMF", three(x // 2, y // 2, image.width - 1, image.height - 1, 40) + blend + chunks)

    animated, alpha = 0x02, 0x10
    header = struct.pack("<I", animated | (alpha if image.mode == "RGBA" else 0)) + three(100 - 1, 80 - 1)
    background = bytes([200, 100, 50, 255])
    body = riff_chunk(b"VP8X", header) + riff_chunk(b"ANIM", background + b"\0\0") + frame(18, 22) + frame(0, 0)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def make_bmps():
    rgb = scene(21, 35, 3)
    save("rgb.bmp", Image.fromarray(rgb))
    save("grey.bmp", Image.fromarray(rgb[..., 0]))
    save("palette.bmp", Image.fromarray(rgb).quantize(16))
    save("rgba.bmp", Image.fromarray(scene(21, 35, 4), "RGBA"))
    save("black-and-white.bmp", Image.fromarray(rgb[..., 0]).convert("1"))
    save("one-pixel.bmp", Image.fromarray(rgb[:1, :1]))
    for bits in (1, 4, 8):
        for header in (12, 40, 52, 56, 64, 108, 124):
            bmp_of_indices(f"indices-{bits}-header-{header}.bmp", bits, header=header)
        for width in range(1, 10):
            bmp_of_indices(f"indices-{bits}-width-{width}.bmp", bits, width=width)
        bmp_of_indices(f"indices-{bits}-top-down.bmp", bits, top_down=True)
        bmp_of_indices(f"indices-{bits}-gap.bmp", bits, gap=10)
        bmp_of_indices(f"indices-{bits}-offset-0.bmp", bits, offset=0)
        bmp_of_indices(f"indices-{bits}-offset-of-palette.bmp", bits, offset=54)
        bmp_of_indices(f"indices-{bits}-counted.bmp", bits, colours=1 << bits)
        bmp_of_indices(f"indices-{bits}-long-palette.bmp", bits, colours=256)
    bmp_of_indices("indices-4-short-palette.bmp", 4, colours=11)
    bmp_of_indices("indices-8-short-palette.bmp", 8, colours=100)
    bmp_of_indices("rle8.bmp", 8, compression=1)
    bmp_of_indices("rle4.bmp", 4, compression=2)
    bmp_of_indices("rle8-wide.bmp", 8, compression=1, width=700, height=9)
    bmp_of_indices("rle4-wide.bmp", 4, compression=2, width=701, height=9)
    bmp_of_indices("rle8-top-down.bmp", 8, compression=1, top_down=True)
    bmp_of_indices("rle4-top-down.bmp", 4, compression=2, top_down=True)
    bmp_of_indices("rle8-header-124.bmp", 8, compression=1, header=124)
    bmp_of_indices("rle8-offset-0.bmp", 8, compression=1, offset=0)
    bmp_of_indices("rle4-short-palette.bmp", 4, compression=2, colours=7)
    colours = {"palette": bytes(range(256)) * 4, "bits": 8, "width": 6, "height": 3}
    for name, runs in (
        ("over-the-end-of-a-row", b"\x09\x03\0\0\x04\x05\x09\x06\0\0\x06\x07\0\1"),
        ("verbatim-into-the-next-row", b"\0\x08\1\2\3\4\5\6\7\x08\x02\x09\0\0\x06\x01\0\1"),
        ("skips", b"\x01\x05\0\2\x02\x01\x03\x07\0\0\x02\x01\0\2\x04\0\0\1"),
        ("empty-lines", b"\0\0\x06\x01\0\0\x06\x02\0\0\0\0\x06\x03\0\0\0\1"),
        ("more-than-all", b"\x06\x01\0\0\x06\x02\0\0\x06\x03\0\0\x06\x04\0\1"),
    ):
        record_bytes(f"rle8-{name}.bmp", bmp(runs, compression=1, **colours))

    pixels = random.integers(0, 1 << 32, (11, 13), dtype=np.uint32)
    five, six = (0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)
    record_bytes("bits-16.bmp", true_colour(pixels, 16))
    record_bytes("bits-16-core.bmp", true_colour(pixels, 16, header=12))
    for header in (40, 52, 56, 64, 108, 124):
        record_bytes(f"bits-555-header-{header}.bmp", true_colour(pixels, 16, header=header, masks=(*five, 0)))
        record_bytes(f"bits-565-header-{header}.bmp", true_colour(pixels, 16, header=header, masks=(*six, 0)))
    record_bytes("bits-565-alpha.bmp", true_colour(pixels, 16, header=56, masks=(*six, 0x8000)))
    record_bytes("bits-565-offset-0.bmp", true_colour(pixels, 16, masks=six, offset=0))
    record_bytes("bits-565-top-down.bmp", true_colour(pixels, 16, masks=six, top_down=True))
    for header in (12, 40, 52, 56, 64, 108, 124):
        record_bytes(f"bits-24-header-{header}.bmp", true_colour(pixels, 24, header=header))
        record_bytes(f"bits-32-header-{header}.bmp", true_colour(pixels, 32, header=header))
    record_bytes("bits-24-masks.bmp", true_colour(pixels, 24, masks=(0xFF0000, 0xFF00, 0xFF)))
    record_bytes("bits-24-top-down.bmp", true_colour(pixels, 24, top_down=True))
    record_bytes("bits-32-top-down.bmp", true_colour(pixels, 32, top_down=True))
    bytes_of = [0xFF, 0xFF00, 0xFF0000, 0xFF000000]
    for order in ("BGRX", "BGRA", "RGBA", "XBGR", "ABGR", "BGXR", "BGAR"):
        masks = [bytes_of[order.index(colour)] if colour in order else 0 for colour in "RGBA"]
        record_bytes(f"bits-32-{order}.bmp", true_colour(pixels, 32, header=108, masks=masks))
    record_bytes("bits-32-BGRX-header-40.bmp", true_colour(pixels, 32, masks=(0xFF0000, 0xFF00, 0xFF)))
    record_bytes("bits-32-no-masks.bmp", true_colour(pixels, 32, header=56, masks=(0, 0, 0, 0)))

    # the stated deviation: PIL takes the bytes for pixels of 1 bit, or 8
    for bits, colours in ((4, [0, 255]), (8, [0, 255]), (4, list(range(16)))):
        indices = random.integers(0, len(colours), (5, 9), dtype=np.uint8)
        palette = b"".join(bytes([c, c, c, 0]) for c in colours)
        data = bmp(packed(indices[::-1], bits), 9, 5, bits, palette=palette, colours=len(colours))
        grey = np.array(colours, np.uint8)[indices]
        record_bytes(f"grey-{len(colours)}-of-{bits}-bits.bmp", data, np.repeat(grey[..., None], 3, -1))
    record_bytes("trailing-garbage.bmp", (out / "rle4.bmp").read_bytes() + b"garbage")
    record_bytes("bmp.jpg", (out / "rgb.bmp").read_bytes())


def bmp(pixels, width, height, bits, header=40, compression=0, palette=b"", masks=(), colours=0, offset=None, gap=0):
    """A BMP of pixels as they are stored. `height`: negative for rows from the top. `header`: its bytes."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        size = len(pixels)
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, size, 2835, 2835, colours, 0)
        info = (info + b"".join(struct.pack("<I", mask) for mask in masks)).ljust(header, b"\0")
    before = info + palette + b"\xAA" * gap
    if offset is None:
        offset = 14 + len(before)
    return b"BM" + struct.pack("<IHHI", 14 + len(before) + len(pixels), 0, 0, offset) + before + pixels


def packed(indices, bits):
    """H x W indices as rows of whole 4 bytes."""
    ones = np.unpackbits(indices[..., None], axis=-1)[..., 8 - bits :].reshape(len(indices), -1)
    row = np.packbits(ones, axis=-1)
    return np.pad(row, ((0, 0), (0, -row.shape[1] % 4))).tobytes()


def bmp_of_indices(name, bits, width=35, height=21, colours=0, header=40, compression=0, top_down=False, **options):
    """Records a BMP of made-up palette indices, in whose corner 0 stands alone."""
    palette = random.integers(0, 256, (colours or 1 << bits, 4), dtype=np.uint8)
    indices = (scene(height, width, 1)[..., 0].astype(int) % min(len(palette), 1 << bits)).astype(np.uint8)
    indices[: height // 2, : width // 3] = 0
    indices[-2:, width // 2 :] = 1
    stored = indices if top_down else indices[::-1]
    pixels = runs_of(stored, bits) if compression else packed(stored, bits)
    entries = palette[:, : 3 if header == 12 else 4].tobytes()
    options |= {"header": header, "compression": compression, "palette": entries, "colours": colours}
    record_bytes(name, bmp(pixels, width, -height if top_down else height, bits, **options), palette[indices, 2::-1])
    assert (np.asarray(Image.open(out / name).convert("RGB")) == palette[indices, 2::-1]).all(), name


def true_colour(values, bits, masks=(), top_down=False, **options):
    """A BMP of H x W pixels, of which the lower bits are taken."""
    height, width = values.shape
    rows = [b"".join(int(value).to_bytes(4, "little")[: bits // 8] for value in row) for row in values]
    pixels = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    compression = 3 if masks else 0
    return bmp(pixels, width, -height if top_down else height, bits, compression=compression, masks=masks, **options)


def runs_of(indices, bits):
    """RLE8 or RLE4 of H x W indices: runs, pixels verbatim and skipped zeros, cut at random."""
    result = b""
    for y, row in enumerate(indices):
        x = 0
        while x < len(row):
            rest = row[x : x + int(random.integers(1, 256))]
            # RLE4 repeats a pair of pixels
            pair = rest[0] << 4 | rest[min(1, len(rest) - 1)] if bits == 4 else rest[0]
            repeated = np.resize([pair >> 4, pair & 15] if bits == 4 else [pair], len(rest))
            run = int(np.argmin(np.append(rest == repeated, False)))
            zeros = int(np.argmin(np.append(rest == 0, False)))
            if zeros > 2 and (x + zeros < len(row) or y + 1 < len(indices)) and random.random() < 0.5:
                result += bytes([0, 2, zeros, 0])
                x += zeros
            elif len(rest) > 2 and random.random() < 0.5:
                data = rest.tobytes() if bits == 8 else packed(rest[None], 4)[: (len(rest) + 1) // 2]
                result += bytes([0, len(rest)]) + data + b"\0" * (len(data) % 2)
                x += len(rest)
            else:
                result += bytes([run, pair])
                x += run
        result += b"\0\0"
    return result + b"\0\1"


def make_tiffs():
    rgb, rgba = scene(45, 67, 3), scene(45, 67, 4)
    image = Image.fromarray(rgb)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        save(f"{compression}.tif", image, compression=compression)
    save("strips.tiff", image, tiffinfo={278: 7})
    save("grey.tif", image.convert("L"))
    save("grey-jpeg.tif", image.convert("L"), compression="jpeg")
    save("black-and-white.tif", image.convert("1"))
    save("fax.tif", image.convert("1"), compression="group4")
    save("alpha.tif", Image.fromarray(rgba, "RGBA"))
    save("grey-alpha.tif", Image.fromarray(rgba[..., :2].copy(), "LA"))
    save("premultiplied.tif", Image.fromarray(rgba, "RGBA"), tiffinfo={338: 1}, compression="tiff_lzw")
    save("palette.tif", image.quantize(200))
    save("palette-lzw.tif", image.quantize(16), compression="tiff_lzw")
    save("cmyk.tif", Image.fromarray(rgba, "CMYK"))
    save("ycbcr.tif", image.convert("YCbCr"), compression="tiff_lzw")
    for orientation in range(2, 9):
        save(f"orientation-{orientation}.tif", image, tiffinfo={274: orientation})
    save("two-pages.tif", image, save_all=True, append_images=[image.rotate(180)])
    grey = rgb[..., 0]
    for order in "<>":
        name = "little" if order == "<" else "big"
        record_bytes(f"{name}-endian.tif", tiff(order, rgb, 2, 8))
        deep = random.integers(0, 65536, (19, 23, 3)).astype(np.uint16)
        record_bytes(f"{name}-rgb-16.tif", tiff(order, deep, 2, 16))
        # the stated deviation: PIL clips these at 255
        record_bytes(f"{name}-grey-16.tif", tiff(order, deep[..., :1], 1, 16), np.repeat((deep[..., :1] >> 8).astype(np.uint8), 3, -1))
    record_bytes("white-is-0.tif", tiff("<", grey[..., None], 0, 8))
    record_bytes("planes.tif", tiff("<", rgb, 2, 8, planes=True), rgb)
    record_bytes("tiles.tif", tiff("<", rgb, 2, 8, tile=32), rgb)
    record_bytes("grey-tiles.tif", tiff(">", grey[..., None], 1, 8, tile=16), np.repeat(grey[..., None], 3, -1))
    record_bytes("not-a-png.png", (out / "tiff_lzw.tif").read_bytes())


def tiff(order, samples, photometric, bits, planes=False, tile=0):
    """An uncompressed TIFF of H x W x C samples, in one strip, one a plane, or square tiles."""
    height, width, channels = samples.shape
    raw = samples.astype(f"{order}u{bits // 8}")
    if tile:
        padded = np.pad(raw, ((0, -height % tile), (0, -width % tile), (0, 0)))
        pieces = [padded[y : y + tile, x : x + tile] for y in range(0, height, tile) for x in range(0, width, tile)]
    else:
        pieces = [raw[..., c] for c in range(channels)] if planes else [raw]
    pieces = [np.ascontiguousarray(piece).tobytes() for piece in pieces]
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * channels), 259: (3, [1]), 262: (3, [photometric]), 277: (3, [channels]), 284: (3, [2 if planes else 1])}
    offsets, lengths = (324, 325) if tile else (273, 279)
    entries |= {322: (4, [tile]), 323: (4, [tile])} if tile else {278: (4, [height])}
    at, body = 8, b""
    places = []
    for piece in pieces:
        places.append(at + len(body))
        body += piece
    entries |= {offsets: (4, places), lengths: (4, [len(piece) for piece in pieces])}
    body += b"\0" * (len(body) % 2)
    directory, extra = b"", b""
    start = at + len(body)
    behind = start + 2 + 12 * len(entries) + 4
    for tag, (kind, values) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            value = struct.pack(order + "I", behind + len(extra))
            extra += packed + b"\0" * (len(packed) % 2)
        else:
            value = packed.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + value
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", start) + body + struct.pack(order + "H", len(entries)) + directory + b"\0" * 4 + extra


def make_gifs():
    image = Image.fromarray(scene(45, 67, 3))
    palette = image.quantize(200)
    save("palette.gif", palette)
    save("interlaced.gif", palette, interlace=1)
    save("not-interlaced.gif", palette, interlace=0)
    save("grey.gif", image.convert("L"))
    save("two-colours.gif", image.quantize(2))
    save("transparent.gif", palette, transparency=7)
    save("moving.gif", palette, save_all=True, append_images=[palette.rotate(180), palette.rotate(90)], duration=50)
    data = bytearray((out / "not-interlaced.gif").read_bytes())
    data[6:10] = struct.pack("<HH", 80, 50)  # a screen larger than the image
    record_bytes("larger-screen.gif", bytes(data))
    data[6:10] = struct.pack("<HH", 20, 10)  # and a smaller one
    record_bytes("smaller-screen.gif", bytes(data))
    data = bytearray((out / "transparent.gif").read_bytes())
    data[6:10] = struct.pack("<HH", 80, 50)
    record_bytes("larger-transparent-screen.gif", bytes(data))
    record_bytes("gif.jpg", (out / "palette.gif").read_bytes())


def make_pnms():
    rgb = scene(31, 45, 3)
    grey = rgb[..., 0]
    save("rgb.ppm", Image.fromarray(rgb))
    save("grey.pgm", Image.fromarray(grey))
    save("bits.pbm", Image.fromarray(grey).convert("1"))
    size = b"# a comment\n45 31 # another\n"
    record_bytes("maximum-100.ppm", b"P6\n" + size + b"100\n" + (rgb // 3).tobytes())
    record_bytes("maximum-20.pgm", b"P5 45\t31\r20\n" + (grey // 12).tobytes())
    deep = random.integers(0, 65536, (31, 45, 3)).astype(">u2")
    record_bytes("rgb-16.ppm", b"P6\n45 31\n65535\n" + deep.tobytes())
    record_bytes("maximum-1000.ppm", b"P6\n45 31\n1000\n" + (deep % 1001).astype(">u2").tobytes())
    # the stated deviation: PIL clips these at 255
    record_bytes("grey-16.pgm", b"P5\n45 31\n65535\n" + deep[..., 0].tobytes(), np.repeat((deep[..., :1] >> 8).astype(np.uint8), 3, -1))
    text = " ".join(str(v) for v in rgb.ravel())
    record_bytes("plain.ppm", b"P3\n" + size + b"255\n" + text.encode())
    record_bytes("plain-100.ppm", b"P3 45 31 100 " + " ".join(str(v) for v in (rgb // 3).ravel()).encode() + b"\n")
    record_bytes("plain.pgm", b"P2\n45 31\n255\n" + b"# rows\n" + b"\n".join(" ".join(str(v) for v in row).encode() for row in grey))
    record_bytes("plain.pbm", b"P1\n45 31\n" + b"\n".join("".join(str(v % 2) for v in row).encode() for row in grey))


if len(sys.argv) > 2:
    for file in sys.argv[2:]:
        record(Path(file))
else:
    make_jpegs()
    make_pngs()
    make_webps()
    make_bmps()
    make_tiffs()
    make_gifs()
    make_pnms()
