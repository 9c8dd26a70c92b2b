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


def make_others():
    rgb = Image.fromarray(scene(45, 67, 3))
    save("lossless.webp", rgb, lossless=True)
    save("lossy.webp", rgb, quality=80)
    save("alpha.webp", Image.fromarray(scene(45, 67, 4), "RGBA"), lossless=True, exact=True)
    save("rgb.bmp", rgb)
    save("grey.bmp", rgb.convert("L"))
    save("palette.bmp", rgb.quantize(16))


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
    make_others()
    make_tiffs()
    make_gifs()
    make_pnms()
