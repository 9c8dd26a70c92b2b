"""xai-report: its numbers are those of the runs, names stay text, what is missing is said, and a browser shows it."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy
import pytest
from PIL import Image

from browser import CHROMIUM, Browser

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

import xaimse
from xaimse.compare.cli import main as compare
from xaimse.report import cli, photographs
from xaimse.runs import RunFolder

EVERY = ("first", "other", "counted", "maps", "rise", "cross", "shown")
MARKUP = '<script>document.title = "taken"</script><img src=x onerror="document.title=1">&amp;\'"'


class Page(HTMLParser):
    """What the tests look at of a page: elements with their attributes, tables, texts of articles and sections."""

    VOID = ("meta", "img", "input", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.text, self.elements, self.tables, self.open = text, [], {}, []
        self.words = []
        self.feed(text)
        self.close()
        assert [tag for tag, _ in self.open] == [], "elements that are not closed"

    def handle_starttag(self, tag, attributes, closed=False):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in self.VOID and not closed:
            self.open.append((tag, attributes))
        if tag == "table":
            self.rows = []
            self.tables.setdefault(attributes.get("id"), []).append(self.rows)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append({"text": "", "value": attributes.get("data-v"), "link": None})
        if tag == "a" and any(name in ("td", "th") for name, _ in self.open):
            self.rows[-1][-1]["link"] = attributes.get("href")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes, closed=True)

    def handle_endtag(self, tag):
        opened, _ = self.open.pop()
        assert opened == tag, f"{opened} is closed by {tag}"

    def handle_data(self, data):
        inside = [name for name, _ in self.open]
        if "style" in inside or "script" in inside:
            return
        self.words.append(data)
        if inside and inside[-1] in ("td", "th", "a", "button", "small") and ("td" in inside or "th" in inside):
            self.rows[-1][-1]["text"] += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def says(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def table(self, name):
        """Rows of the table as objects by title."""
        (rows,) = self.tables[f"table-{name}"]
        titles = [cell["text"] for cell in rows[0]]
        return [dict(zip(titles, row, strict=True)) for row in rows[1:]]

    @property
    def data(self):
        (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', self.text, re.DOTALL)
        return json.loads(found)


@pytest.fixture
def report(runs, tmp_path):
    """Makes a page of runs (names in runs/, or folders) and gives it."""

    def made(*folders, options=()):
        out = tmp_path / "out.html"
        words = [str(runs / folder) if isinstance(folder, str) else str(folder) for folder in folders]
        assert cli.main([*words, "--out", str(out), "--overwrite", *map(str, options)]) == 0
        return Page(out.read_text())

    made.out = tmp_path / "out.html"
    return made


@pytest.fixture(scope="session")
def everything(workplace, tmp_path_factory):
    """The file of a page of runs of every kind."""
    out = tmp_path_factory.mktemp("everything") / "out.html"
    assert cli.main([*(str(workplace / "runs" / name) for name in EVERY), "--out", str(out)]) == 0
    return out


@pytest.fixture
def copied(runs, tmp_path):
    """Copies a run, with changes to run.json and to its records (a function of each; None drops it)."""

    def made(name, info=lambda info: None, record=lambda record: record, to="copied"):
        folder = tmp_path / to
        shutil.copytree(runs / name, folder)
        document = json.loads((folder / "run.json").read_text())
        info(document)
        (folder / "run.json").write_text(json.dumps(document))
        records = [record(one) for one in read(folder)]
        lines = [json.dumps(one) + "\n" for one in records if one is not None]
        (folder / "results.jsonl").write_text("".join(lines))
        return folder

    return made


def summary(runs, name):
    return json.loads((runs / name / "summary.json").read_text())


def records(runs, name):
    return read(runs / name)


def read(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


# --- numbers


def test_the_overview_has_the_numbers_of_the_summaries(runs, everything):
    rows = Page(everything.read_text()).table("overview")
    titles = {"found": "found", "diverse": "diverse", "min_size": "smallest", "mean_mse_size": "mean size",
              "keeps_top1": "keeps top‑1", "distinct_per_mse": "sub-explanations per MSE",
              "insertion": "insertion (higher is better)", "deletion": "deletion (lower is better)",
              "log10_estimated_mses": "MSEs there are, estimated (log10)"}  # fmt: skip
    compared = 0
    for row, name in zip(rows, ("first", "other", "counted", "maps", "rise"), strict=False):
        of = summary(runs, name)
        assert (row["images"]["text"], row["ok"]["text"]) == (str(of["images"]), str(of["statuses"]["ok"]))
        assert row["program"]["text"] == of["tool"]
        for quantity, title in titles.items():
            expected = of["quantities"].get(quantity) or {"mean": None}
            if expected["mean"] is None:
                assert row[title]["text"] == "–"
                continue
            assert float(row[title]["value"]) == expected["mean"]
            low, high = (f"{expected[end]:.4g}" for end in ("low", "high"))
            text = row[title]["text"].replace("\xa0", " ")
            assert f"{low} to {high},\nn = {expected['n']}" in text
            compared += 1
    assert compared > 20
    tested = [row for row in rows if row["program"]["text"] == "xai-crosstest"]
    tops = {row["model"]["text"]: row["top‑1 (higher is better)"] for row in tested}
    for model in summary(runs, "cross")["models"]:
        assert float(tops[model["name"]]["value"]) == model["top1"]["share"]
        assert f"n = {model['top1']['n']}" in tops[model["name"]]["text"].replace("\xa0", " ")


def rows_under(page, caption):
    """Rows of the table with this caption, as lists of cells."""
    found = re.search(re.escape(f"<caption><span>{caption}"), page.text)
    assert found, caption
    place = len(re.findall("<table", page.text[: found.start()])) - 1
    return ordered(page)[place][1:]


def ordered(page):
    """All tables, as they stand on the page."""
    if not hasattr(page, "order"):
        unnamed = iter(page.tables.get(None, []))
        page.order = [page.tables[t["id"]][0] if t.get("id") else next(unnamed) for t in page.all("table")]
    return page.order


def test_matrices_are_those_of_the_summary(runs, everything):
    page = Page(everything.read_text())
    of = summary(runs, "cross")
    rows = rows_under(page, "Matrix: mean insertion AUC")
    means = {(pair["source"], pair["model"]): pair["mean"] for pair in of["matrix"]}
    models = [model["name"] for model in of["models"]]
    shown = {(row[0]["text"], m): float(c["value"]) for row in rows for m, c in zip(models, row[1:], strict=True)}
    assert shown == means
    for row, expected in zip(rows_under(page, "Asymmetry of models"), of["asymmetry"], strict=True):
        values = [expected[side]["mean"] for side in ("as_source", "as_target", "difference")]
        assert [float(cell["value"]) for cell in row[2:]] == values
    for row, point in zip(rows_under(page, "Landscape"), of["landscape"]["points"], strict=True):
        assert [float(cell["value"]) for cell in row[2:]] == [*point["kernel_pca"], *point["mds"]]
    rows = rows_under(page, "Ensembles")
    assert [row[0]["text"] for row in rows] == [" + ".join(one["members"]) for one in of["ensembles"]["sets"]]


def test_sets_shown_stand_beside_their_controls(runs, report):
    page = report("shown")
    of = summary(runs, "shown")
    quantities = ("sufficient", "smallest_sufficient", "random_sufficient", "other_sufficient", "ratio", "median_ratio")
    for kind, title in (("all", "all photographs"), ("both_right", "photographs that both models get right")):
        rows = rows_under(page, f"Sets shown beside their controls, {title}")
        for row, cell in zip(rows, of["matrix"], strict=True):
            assert [row[0]["text"], row[1]["text"]] == [cell["source"], cell["model"]]
            means = [(cell[kind].get(name) or {}).get("mean") for name in quantities]
            assert [None if c["value"] is None else float(c["value"]) for c in row[2:8]] == means
    assert "sets-all" in [figure.get("id") for figure in page.all("figure")]


def test_distributions_are_of_the_records(runs, report):
    page = report("first", "other")
    rows = rows_under(page, "MSEs found by image")
    for row, name in zip(rows, ("first", "other"), strict=True):
        found = [record["found"] for record in records(runs, name) if record["status"] == "ok"]
        assert row[2]["text"] == str(len(found))
        assert float(row[6]["value"]) == numpy.median(found)


def test_sentences_are_those_of_xai_compare(runs, report, capsys):
    page = report("seen_alpha", "seen_beta")
    capsys.readouterr()
    assert compare([str(runs / "seen_alpha"), str(runs / "seen_beta"), "--json", "--photographs", "all"]) == 0
    said = json.loads(capsys.readouterr().out)
    sentences = [row["says"] for table in ("pairs", "overlaps") for row in said[table]]
    assert len(sentences) > 8
    for sentence in sentences:
        assert sentence in page.says


def test_unlike_runs_stand_beside_each_other_and_are_not_compared(report):
    page = report("first", "seen_beta")
    assert "Runs of xai-mse are not compared:" in page.says
    assert len(page.table("overview")) == 2


def test_every_run_is_read_once(runs, report, monkeypatch):
    read = []
    plain = RunFolder.records

    def counted(self):
        read.append(self.folder.name)
        return plain(self)

    monkeypatch.setattr(RunFolder, "records", counted)
    report("first", "other", "counted", "maps")
    assert sorted(read) == ["counted", "first", "maps", "other"]


def test_a_record_is_found_by_its_place(runs):
    run = RunFolder(runs / "first")
    places = [(run.place, record) for record in run.records()]
    for place, record in reversed(places):
        assert run.record_at(place) == record


# --- photographs


def drawn_patches(path, xs, ys):
    """The cells that a path's rectangles cover."""
    cells = set()
    for x, y, right, bottom, back in re.findall(r"M(\S+) (\S+?)H(\S+?)V(\S+?)H(\S+?)z", path):
        assert x == back
        for row in range(len(ys) - 1):
            for column in range(len(xs) - 1):
                middle = (xs[column] + xs[column + 1]) / 2, (ys[row] + ys[row + 1]) / 2
                if float(x) < middle[0] < float(right) and float(y) < middle[1] < float(bottom):
                    cells.add(row * (len(xs) - 1) + column)
    return cells


def test_sets_and_shares_are_drawn_as_they_are(runs, report):
    page = report("first")
    groups = [json.loads(of["data-grid"]) for of in page.all("div") if of.get("data-grid")]
    sets = [of["d"] for of in page.all("path") if of.get("class") == "hidden"]
    labels = [of["aria-label"] for of in page.all("svg") if of.get("class") == "tile shown"]
    ok = [record for record in records(runs, "first") if record["mses"]]
    assert len(groups) == len(ok)
    place = 0
    for grid, record in zip(groups, ok, strict=True):
        uses = [sum(p in mse["patches"] for mse in record["mses"]) for p in range(record["grid"] ** 2)]
        assert (grid["uses"], grid["n"]) == (uses, len(record["mses"]))
        count = min(6, len(record["mses"]))
        of_record = {tuple(mse["patches"]) for mse in record["mses"]}
        for path, label in zip(sets[place : place + count], labels[place : place + count], strict=True):
            patches = tuple(map(int, label.split(": patches ")[1].split(", ")))
            assert patches in of_record
            assert drawn_patches(path, grid["x"], grid["y"]) == set(range(record["grid"] ** 2)) - set(patches)
        place += count
    assert place == len(sets)


def embedded(page):
    """Pictures of photographs by their place."""
    found = {of["id"]: of["href"] for of in page.all("image") if of.get("id", "").startswith("photo-")}
    return {name: Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))) for name, data in found.items()}


def test_a_photograph_stands_once_and_is_what_models_see(runs, report, workplace):
    page = report("seen_alpha", "seen_beta")
    pictures = embedded(page)
    assert len(pictures) == 3
    of = Image.open(workplace / "photos/photo00.png").convert("RGB")
    cards = [RunFolder(runs / name).cards[0] for name in ("seen_alpha", "seen_beta")]
    side = max(min(of.size) * card["input"]["width"] / card["preprocessing"]["resize"] for card in cards)
    assert abs(pictures["photo-0"].width - side) <= 1
    left, top = (of.width - side) / 2, (of.height - side) / 2
    differences = []
    for shift in (0, 2):
        box = (round(left) + shift, round(top), round(left + side) + shift, round(top + side))
        seen, kept = (numpy.asarray(one.convert("L"), float) for one in (of.crop(box), pictures["photo-0"]))
        differences.append(abs(seen - kept).mean())
    assert differences[0] < 5 < differences[1]  # JPEG
    assert not any(picture.getexif() or picture.info.get("comment") for picture in pictures.values())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_others_are_rows_that_lead_into_the_run_folders(runs, report, count):
    page = report("first", "other", options=("--photographs", count))
    names = [record["image"] for record in records(runs, "first")]
    shown = [names[place * len(names) // count] for place in range(count)]
    assert len(page.all("article")) == count
    rows = page.table("others")
    assert [row["image"]["text"] for row in rows] == [name for name in names if name not in shown]
    links = [cell["link"] for row in rows for cell in row.values() if cell["link"]]
    assert links
    for link in links:
        assert not link.startswith("/") and (report.out.parent / unquote(link)).resolve().is_file()


def test_the_page_stays_small(report, monkeypatch):
    whole = report("first")
    monkeypatch.setattr(photographs, "MOST_BYTES", 12_000)
    page = report("first", options=("--photographs", 60))
    assert 0 < len(page.all("article")) < len(whole.all("article"))
    assert "so that the page stays under 20 MB" in page.says
    assert len(page.table("others")) + len(page.all("article")) == 4


@pytest.mark.parametrize("how", ["changed", "gone", "unread"])
def test_sets_without_their_photograph_are_drawn_on_grey(report, copied, how, tmp_path):
    def moved(info):
        info["data"]["path"] = str(tmp_path / "nowhere")

    def other(record):
        return record | {"content": "0" * 64 if how == "changed" else None}

    folder = copied("first", *([moved] if how == "gone" else [lambda info: None, other]))
    page = report(folder)
    assert "There is no photograph:" in page.says and "The sets are drawn on grey" in page.says
    reasons = {"changed": "has changed since", "gone": "cannot be read", "unread": "no run could read it"}
    assert reasons[how] in page.says
    assert not embedded(page)
    assert [of for of in page.all("rect") if of.get("class") == "nothing"]


def test_the_true_class_stands_beside_what_is_explained(report, copied):
    says = report(copied("first", record=lambda record: record | {"label": 2})).says
    name = json.loads((report.out.parent / "copied/run.json").read_text())["class_names"]
    assert f"True class: {name[2] if name else 'class 2'}" in says


def test_another_photograph_of_the_same_name_is_not_drawn_below_sets(report, copied):
    folder = copied("first", record=lambda record: record | {"content": "0" * 64})
    page = report("other", folder)
    assert "this run saw another photograph of this name" in page.says


# --- runs that are not whole, and names that are not kind


def test_a_run_that_was_stopped_says_what_is_missing(runs, report, copied, capsys):
    def stopped(info):
        info["status"] = "stopped"

    kept = iter([True, True, False, False])
    folder = copied("first", stopped, lambda record: record if next(kept) else None)
    (folder / "summary.json").unlink()
    with open(folder / "results.jsonl", "a") as journal:
        journal.write('{"image": "photo')
    page = report(folder, "other")
    assert "stopped, 2 of 4 images, a torn last record left out" in page.says
    assert "stopped, 2 of 4 images" in capsys.readouterr().err
    row = page.table("overview")[0]
    found = [record["found"] for record in records(runs, "first")[:2]]
    assert float(row["found"]["value"]) == numpy.mean(found)
    assert " to " not in row["found"]["text"]
    assert "So far, on" in page.says


def test_a_run_that_failed_at_once_is_on_the_page(report, copied):
    def failed(info):
        for name in set(info) - {"schema_version", "tool", "paths", "identity"}:
            del info[name]
        info["status"] = "failed"

    folder = copied("first", failed, lambda record: None)
    page = report(folder, "other")
    assert "run.json does not name the model yet" in page.says and "failed, 0 of ? images" in page.says
    assert page.table("overview")[0]["status"]["text"] == "failed"


@pytest.mark.parametrize("name", ["cross", "shown"])
def test_a_crosstest_that_was_stopped_has_a_matrix_so_far(report, copied, name):
    folder = copied(name, lambda info: info.update(status="stopped"))
    (folder / "summary.json").unlink()
    page = report(folder)
    assert "stopped, 3 of 3 images" in page.says
    assert "matrix" in page.text and "whose evidence" in page.says


def test_what_no_run_has_is_said(report):
    says = report("maps").says
    assert "No run was given of: MSEs (xai-mse); sub-explanations (xai-subexp); cross-tests (xai-crosstest)" in says


def test_names_stay_text(report, copied):
    def named(info):
        info["model"]["card"] |= {"name": MARKUP, "family": f"family {MARKUP}"}
        info["class_names"] = [f"{place} {MARKUP}" for place in range(10)]
        info["command"] = ["xai-mse", MARKUP]
        info["options"]["limit"] = MARKUP
        info["identity"]["options"]["limit"] = MARKUP

    def renamed(record):
        return record | {"image": f"{record['image']}{MARKUP}</script>"}

    plain = report("first", "other")
    folder = copied("first", named, renamed)
    page = report(folder, "other")
    for tag in ("script", "img", "style", "iframe"):
        assert len(page.all(tag)) == len(plain.all(tag)) == {"script": 2, "style": 1}.get(tag, 0)
    assert not [of for _, attributes in page.elements for of in attributes if of.startswith("on")]
    assert page.says.count('<script>document.title = "taken"</script>') > 10
    assert page.data["models"][0] == MARKUP


def test_nothing_is_loaded(everything):
    page = Page(everything.read_text())
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            address = attributes.get(name)
            if address and tag != "a":
                assert address.startswith(("data:image/", "#")), (tag, name, address[:60])
    assert not re.search(r"https?://|@import|url\((?!#|&quot;#)", page.text)
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_names_do_not_lead_out_of_a_run_folder(report, copied, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    (tmp_path / "secret.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    numpy.save(tmp_path / "secret.npy", numpy.eye(4))
    outside = {"picture": "../secret.png", "map": "../secret.npy", "graph": "../secret.dot"}
    found = copied("counted", record=lambda record: record | outside, to="found")
    mapped = copied("maps", record=lambda record: record | outside, to="mapped")
    link = copied("counted", record=lambda record: record | {"graph": "graphs/link.dot"}, to="link")
    (link / "graphs/link.svg").symlink_to(tmp_path / "secret.svg")
    page = report(found, mapped, link)
    assert "secret" not in " ".join(str(of.get("href")) for of in page.all("a"))
    assert not page.all("img")
    assert "its map is missing or no map" in page.says
    assert "was not drawn (Graphviz) or is missing" in page.says


# --- files


def test_figures_are_fit_for_a_paper(everything):
    page = Page(everything.read_text())
    names = [of["id"] for of in page.all("figure") if of.get("class") == "drawn"]
    assert {"found", "diverse", "min_size", "estimated_mses", "curves", "matrix", "matrix-asymmetry", "asymmetry",
            "landscape", "sets-all"} <= set(names)  # fmt: skip
    folder = everything.with_name("out_figures")
    assert {file.stem for file in folder.iterdir()} == set(names)
    for name in names:
        with Image.open(folder / f"{name}.png") as png:
            assert png.width == 990  # 3.3 inches of 300 dots
        pdf = (folder / f"{name}.pdf").read_bytes()
        assert b"/FontFile2" in pdf and b"/Type3" not in pdf
        assert re.search(rb"/MediaBox \[ ?0 0 237\.6", pdf)
    links = [of["href"] for of in page.all("a") if of.get("href", "").startswith("out_figures/")]
    assert len(links) == 2 * len(names) and all((everything.parent / link).is_file() for link in links)
    told = page.says
    for words in ("Options, commands and hashes", "grid 4", "xai-crosstest --models", "percentile bootstrap"):
        assert words in told


def test_equal_runs_make_equal_pages(report):
    assert report("first", "cross").text == report("first", "cross").text


def test_what_is_there_is_kept(runs, tmp_path, capsys):
    out = tmp_path / "page.html"
    out.write_text("mine")
    words = [str(runs / "first"), "--out", str(out)]
    assert cli.main(words) == 2
    assert out.read_text() == "mine" and capsys.readouterr().err.count("\n") == 1
    assert cli.main([*words, "--overwrite"]) == 0
    assert out.read_text() != "mine"
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize(
    "words, says",
    [
        (("first", "first"), "the same run twice"),
        (("nowhere",), "there is no folder"),
        (("../photos",), "holds no run"),
        (("first", "--out", "no/folder.html"), "there is no folder no"),
    ],
)
def test_refusals_are_one_line(runs, tmp_path, capsys, words, says):
    words = [str(runs / word) if not word.startswith(("--", "no/")) else word for word in words]
    out = [] if "--out" in words else ["--out", str(tmp_path / "page.html")]
    assert cli.main([*words, *out]) == 2
    message = capsys.readouterr().err
    assert message.startswith("xai-report: ") and says in message and message.count("\n") == 1


def test_bad_usage_is_one_line(capsys):
    for words in (["run"], ["run", "--out", "page.pdf"], ["run", "--out", "page.html", "--photographs", "-1"]):
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        message = capsys.readouterr().err
        assert end.value.code == 2 and message.startswith("xai-report: ") and message.count("\n") == 1


def test_missing_packages_are_named(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert cli.main([str(runs / "first"), "--out", str(tmp_path / "page.html")]) == 2
    assert capsys.readouterr().err == (
        "xai-report: without jinja2 and matplotlib there is no page: pip install 'xaimse[report]'\n"
    )


def test_help_and_version():
    environment = os.environ | {"PYTHONPATH": str(Path(xaimse.__file__).parents[1])}
    for word, says in (("--help", "xai-report runs/lite0 runs/vit --out report.html"), ("--version", "xai-report 0.")):
        command = [sys.executable, "-m", "xaimse.report", word]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0 and says in done.stdout


# --- in a browser


@pytest.fixture
def browser():
    if not CHROMIUM:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with Browser() as browser:
        yield browser


PROBLEMS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
LOADED = """Promise.all([...document.querySelectorAll("img, image")].map((of) => new Promise((done) => {
  const picture = new Image();
  picture.onload = () => done(picture.naturalWidth);
  picture.onerror = () => done(0);
  picture.src = of.src || of.getAttribute("href") || of.getAttribute("xlink:href");
})))"""


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_all_of_it(everything, browser, width, scheme):
    browser.media(scheme)
    browser.open(everything, width)
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    loaded = browser.evaluate(LOADED)
    assert len(loaded) > 5 and min(loaded) > 0
    browser.evaluate("document.querySelectorAll('article').forEach((of) => of.style.contentVisibility = 'visible')")
    parts = "[...document.querySelectorAll('section, article, figure svg, .tile')]"
    sizes = browser.evaluate(f"{parts}.map((of) => of.getBoundingClientRect().height)")
    assert len(sizes) > 30 and min(sizes) > 20
    for part in ("#overview", "article .tile", "#found [role=img] svg", "#matrix [role=img] svg"):
        assert colours(browser, part) > 8, part
    assert [event for event in browser.events if event[0] in PROBLEMS] == []
    requests = [of["request"]["url"] for method, of in browser.events if method == "Network.requestWillBeSent"]
    assert {url.split(":")[0] for url in requests} == {"file", "data"}
    assert [url for url in requests if url.startswith("file")] == [everything.resolve().as_uri()]


def colours(browser, selector):
    """Different colours of what is seen of an element."""
    script = f"""(() => {{ const of = document.querySelector({json.dumps(selector)}); of.scrollIntoView();
      const box = of.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; }})()"""
    left, top, right, bottom = map(round, browser.evaluate(script))
    with Image.open(io.BytesIO(browser.picture())) as picture:
        seen = picture.crop((max(left, 0), max(top, 0), min(right, picture.width), min(bottom, picture.height)))
        return len(seen.convert("RGB").getcolors(1 << 24))


def centre(browser, selector, x=0.5, y=0.5):
    script = f"""(() => {{ const of = document.querySelector({json.dumps(selector)});
      of.scrollIntoView({{block: "center"}}); const box = of.getBoundingClientRect();
      return [box.left + {x} * box.width, box.top + {y} * box.height]; }})()"""
    return browser.evaluate(script)


def click(browser, selector):
    x, y = centre(browser, selector)
    browser.mouse("mousePressed", x, y)
    browser.mouse("mouseReleased", x, y)


def test_pointing_at_a_patch_names_it(runs, report, browser):
    report("first")
    browser.open(report.out)
    record = next(record for record in records(runs, "first") if record["mses"])
    browser.mouse("mouseMoved", *centre(browser, ".used svg", 0.4, 0.6))  # grid 4, soft: the second column, third row
    share = round(100 * sum(9 in mse["patches"] for mse in record["mses"]) / len(record["mses"]))
    expected = f"patch 9 (row 2, column 1): in {share} % of the model's {len(record['mses'])} MSEs"
    assert browser.evaluate("document.querySelector('.read').textContent") == expected
    assert browser.evaluate("document.querySelector('.used .cursor').getBoundingClientRect().width") > 5
    browser.evaluate("document.querySelector('.used').focus()")
    for key in ("ArrowRight", "ArrowDown"):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key)
    assert browser.evaluate("document.querySelector('.read').textContent").startswith("patch 14 (row 3, column 2)")


def test_titles_sort(runs, report, browser):
    report("first", "other", "maps")
    browser.open(report.out)
    title = "#table-overview th:nth-child(7)"
    column = "[...document.querySelectorAll('#table-overview tbody tr')].map((row) => row.cells[6].dataset.v ?? null)"
    means = sorted(summary(runs, name)["quantities"]["found"]["mean"] for name in ("first", "other"))
    for direction, expected in (("descending", means[::-1]), ("ascending", means)):
        click(browser, f"{title} button")
        assert browser.evaluate(f"document.querySelector('{title}').getAttribute('aria-sort')") == direction
        values = browser.evaluate(column)
        assert [float(value) for value in values[:2]] == expected and values[2] is None


def test_filters_leave_what_fits(runs, report, browser):
    report("first", "other", options=("--photographs", 2))
    browser.open(report.out)
    count = "document.querySelector('#filters output').textContent"
    assert browser.evaluate(count) == "4 of 4 images"

    def asked(**fields):
        steps = ["form = document.getElementById('filters')", "form.reset()"]
        steps += [f"form.elements[{json.dumps(name)}].value = {json.dumps(value)}" for name, value in fields.items()]
        browser.evaluate("; ".join([*steps, "form.dispatchEvent(new Event('input', {bubbles: true}))"]))
        return browser.evaluate(count)

    every = {name: records(runs, name) for name in ("first", "other")}
    statuses = browser.evaluate("[...document.querySelectorAll('[name=status] option')].map((of) => of.textContent)")
    wrong = sum(record["status"] == "error" for record in every["first"])
    assert asked(status=str(statuses.index("error") - 1)) == f"{wrong} of 4 images"
    small = min(record["min_size"] for record in every["first"] if record["min_size"])
    fits = sum(record["min_size"] == small for record in every["first"])
    assert asked(model="0", least=str(small), most=str(small)) == f"{fits} of 4 images"
    panels = "[...document.querySelectorAll('article:not([hidden]) .panel[data-model]:not([hidden])')]"
    assert set(browser.evaluate(f"{panels}.map((of) => of.dataset.model)")) <= {"0"}
    click(browser, "#filters button")
    browser.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert browser.evaluate(count) == "4 of 4 images"


def test_markup_in_names_does_nothing_in_a_browser(report, browser, copied):
    folder = copied("first", lambda info: info["model"]["card"].update(name=MARKUP))
    report(folder, "other")
    browser.open(report.out)
    assert browser.evaluate("document.title").startswith("Do ")
    assert browser.evaluate("document.images.length") == 0


def test_what_is_printed_has_everything_and_no_controls(report, browser):
    report("first", "cross")
    browser.media("light", "print")
    browser.open(report.out, 800)
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    pdf = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 30_000
