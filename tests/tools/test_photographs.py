"""xai-mse on real photographs and networks: agrees with PIL, torchvision, PyTorch and the shared truth tables."""

import json
import os
import time

import numpy
import pytest
import tiny_models
import torch
import torchvision.transforms.functional as transforms
from conftest import ROOT, analyse, exported_model, mse, records, run_json, shared_data
from PIL import Image
from reference import bit_set, members
from tiny_models import make_model

NETWORKS = ["efficientnet_lite0", "vit_tiny_patch16_224"]


def sample(count):
    """Photographs of the shared sample, evenly over its classes."""
    every = sorted(shared_data("imagenet-sample").glob("*/*.JPEG"))
    return every[::len(every) // count][:count]


def pil_tensor(image, card):
    """What torchvision's evaluation transforms make of a PIL image, before normalisation: 3 x H x W in [0,1]."""
    preprocessing, size = card["preprocessing"], card["input"]
    kind = transforms.InterpolationMode(preprocessing["interpolation"])
    image = transforms.resize(image.convert("RGB"), preprocessing["resize"], kind)
    return transforms.to_tensor(transforms.center_crop(image, [size["height"], size["width"]]))


def is_pils(dumped, expected):
    """SPEC 2 allows 3/255; the tool is exact."""
    assert dumped.shape == expected.shape and numpy.array_equal(dumped, expected.numpy())


# ---- preprocessing -------------------------------------------------------------------------------------------


def preprocessing_model(folder, resize, interpolation):
    """A model of 224 x 224 pixels that costs nothing."""
    return make_model(folder, tiny_models.Colours, size=(224, 224), preprocessing={
        "resize": resize, "interpolation": interpolation, "crop": "center", "mean": [0.5] * 3, "std": [0.5] * 3})


@pytest.mark.parametrize("resize, interpolation", [(256, "bicubic"), (248, "bicubic"), (256, "bilinear")])
def test_preprocessing_is_pils(resize, interpolation, tmp_path):
    photos = sample(24)
    model = preprocessing_model(tmp_path, resize, interpolation)
    card = json.loads(model.with_suffix(".json").read_text())
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in photos))
    finished = analyse(model, tmp_path / "list.txt", tmp_path / "run", max_evaluations=3,
                       preprocess_dump=tmp_path / "dump")
    assert finished.code == 0
    dumped = {path.name.removesuffix(".npy"): numpy.load(path) for path in (tmp_path / "dump").rglob("*.npy")}
    assert len(dumped) == 24
    for path in photos:
        is_pils(dumped[path.name], pil_tensor(Image.open(path), card))


def save_odd_files(folder):
    """Files of every kind that PIL reads as RGB; gives what PIL makes of each."""
    photo = Image.open(ROOT / "photos/coffee.jpg").convert("RGB").resize((420, 300), Image.Resampling.LANCZOS)
    gray = photo.convert("L")
    alpha = gray.point(lambda value: 255 - value // 2)
    photo.convert("CMYK").save(folder / "cmyk.jpg", quality=92)
    gray.save(folder / "gray.jpg", quality=92)
    gray.save(folder / "gray.png")
    photo.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "palette.png")
    photo.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "transparent_palette.png", transparency=3)
    photo.convert("1").save(folder / "bits.png")
    with_alpha = photo.copy()
    with_alpha.putalpha(alpha)
    with_alpha.save(folder / "alpha.png")
    gray_with_alpha = gray.copy()
    gray_with_alpha.putalpha(alpha)
    gray_with_alpha.save(folder / "gray_alpha.png")
    with_alpha.save(folder / "alpha.webp", lossless=True)
    photo.save(folder / "pixels.bmp")
    photo.save(folder / "progressive.jpg", progressive=True, quality=92)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, which PIL does not do by itself
    photo.save(folder / "turned.jpg", exif=exif, quality=92)
    expected = {path.name: Image.open(path).convert("RGB") for path in folder.iterdir()}
    deep = (numpy.asarray(gray, numpy.uint16) << 8) + numpy.arange(420, dtype=numpy.uint16) % 256
    Image.fromarray(deep).save(folder / "deep.png")  # 16 bits a pixel; PIL would saturate it
    expected["deep.png"] = Image.fromarray((deep >> 8).astype(numpy.uint8)).convert("RGB")
    return expected


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_odd_files_are_read_as_pil_reads_them(interpolation, tmp_path):
    (tmp_path / "photos").mkdir()
    expected = save_odd_files(tmp_path / "photos")
    model = preprocessing_model(tmp_path, 256, interpolation)
    card = json.loads(model.with_suffix(".json").read_text())
    finished = analyse(model, tmp_path / "photos", tmp_path / "run", max_evaluations=3,
                       preprocess_dump=tmp_path / "dump")
    assert finished.code == 0, finished.err
    assert len(records(tmp_path / "run")) == len(expected) == 13
    for name, image in expected.items():
        is_pils(numpy.load(tmp_path / f"dump/{name}.npy"), pil_tensor(image, card))


# ---- predictions ---------------------------------------------------------------------------------------------


def pytorch_probabilities(model, card, photos):
    """Softmax probabilities by PIL, torchvision and the same network in Python, 8 photographs at a time."""
    mean, std = (torch.tensor(card["preprocessing"][key]).view(3, 1, 1) for key in ("mean", "std"))
    network, rows = torch.jit.load(model), []
    with torch.inference_mode():
        for first in range(0, len(photos), 8):
            batch = [(pil_tensor(Image.open(path), card) - mean) / std for path in photos[first:first + 8]]
            rows.append(network(torch.stack(batch)).softmax(1))
    return torch.cat(rows).double().numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_are_pytorchs(name, tmp_path, say):
    model, photos = exported_model(name), sample(100)
    card = json.loads(model.with_suffix(".json").read_text())
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in photos))
    # nothing is as probable as 1, so only the photograph itself is evaluated
    finished = mse(model=model, data=tmp_path / "list.txt", out=tmp_path / "run", min_probability=1,
                   max_evaluations=3, pictures=0)
    assert finished.code == 0
    found = {os.path.basename(record["image"]): record for record in records(tmp_path / "run")}
    expected = pytorch_probabilities(model, card, photos)
    agree, differences = 0, []
    for path, p in zip(photos, expected, strict=True):
        record = found[path.name]
        agree += record["predicted"] == p.argmax()
        differences.append(abs(record["p_full"] - p[record["predicted"]]))
    say(f"{name}: {agree} of 100 predictions agree, probabilities differ by {numpy.mean(differences):.1e} on average, "
        f"by {numpy.max(differences):.1e} at most")
    assert agree == 100 and numpy.max(differences) < 1e-4


# ---- truth tables --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network, photo", [(network, photo) for network in NETWORKS for photo in ("hog", "zebra")])
def test_explanations_are_those_of_the_truth_tables(network, photo, tmp_path, say):
    table = numpy.load(shared_data(f"truth/{'lite0' if 'lite0' in network else 'vit'}_{photo}_g4.npz"))
    image = {"hog": "truth/n02395406_hog.JPEG", "zebra": "imagenet-sample/n02391049/n02391049_zebra.JPEG"}[photo]
    model = exported_model(network)
    finished = mse(model=model, data=shared_data(image), out=tmp_path / "run", grid=4, max_evaluations=600, pictures=0)
    assert finished.code == 0
    (record,) = records(tmp_path / "run")
    assert (record["status"], record["target"]) == ("ok", int(table["cls"])) and record["mses"]
    assert record["evaluations"] <= 600

    p = table["p"].astype(float)
    ratio = p / float(table["full"])
    found = {bit_set(one["patches"]): one for one in record["mses"]}
    differences = [abs(record["p_full"] - float(table["full"])), abs(record["p_baseline"] - p[0])]
    differences += [abs(one["p"] - p[bits]) for bits, one in found.items()]
    assert max(differences) < 1e-4

    certified = {bits: one for bits, one in found.items() if one["certificate"] == "all-subsets"}
    decided = {subset: subset == bits for bits in certified for subset in subsets_of(bits)}
    disputed = [bits for bits, sufficient in decided.items() if (ratio[bits] >= 0.9) != sufficient]
    say(f"{network}, {photo}: {len(found)} MSEs, {len(certified)} certified by {len(decided)} sets, of which the table "
        f"sees {len(disputed)} on the other side of the threshold; probabilities differ by "
        f"{numpy.mean(differences):.1e} on average, by {max(differences):.1e} at most")
    assert certified
    assert not disputed


def subsets_of(bits):
    """All subsets of a bit set, itself included."""
    patches = members(bits)
    return [bit_set(patch for i, patch in enumerate(patches) if chosen >> i & 1) for chosen in range(1 << len(patches))]


# ---- start-up ------------------------------------------------------------------------------------------------


def test_start_up_costs_less_than_250_images(tmp_path, say):
    """A run of three evaluations, with its tuning, ended and written. What an image costs is measured in the same run,
    and what loading LibTorch costs beside it, so that the bound holds on a slow machine too. Tuning twice would cost 100 images more."""
    model = exported_model("efficientnet_lite0")
    begin = time.monotonic()
    assert mse("--version").out
    loading = time.monotonic() - begin
    begin = time.monotonic()
    finished = mse(model=model, data=ROOT / "photos/coffee.jpg", out=tmp_path / "run", max_evaluations=3, pictures=0)
    seconds = time.monotonic() - begin
    tuning = run_json(tmp_path / "run")["tuning"]
    assert finished.code == 0 and tuning["mode"] == "fast"
    (an_image,) = [one["milliseconds"] / 1e3 for one in tuning["measured"] if one["tuning"] == "plain"]
    images = (seconds - loading) / an_image
    say(f"a run of 3 evaluations took {seconds:.1f} s from its start to its end, {loading:.1f} s of them to load LibTorch; "
        f"the rest is the time of {images:.0f} images")
    assert images < 250
