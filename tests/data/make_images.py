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


if len(sys.argv) > 2:
    for file in sys.argv[2:]:
        record(Path(file))
else:
    make_jpegs()
    make_pngs()
    make_others()
