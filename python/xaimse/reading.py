"""Runs of the xai programs as pandas and NumPy: records, curves, maps and matrices, with units and definitions.

>>> import xaimse
>>> run = xaimse.read("runs/first")
>>> run
<run of xai-mse in runs/first: done, 4 images, model alpha>
>>> run.records[["image", "found", "min_size"]].head(2)
         image  found  min_size
0  photo00.png     18         9
1  photo01.png     22         9
>>> run.describe("ratio")
mses.ratio: p(S) / p(all); may exceed 1 [ratio, from 0]

A run that is under way, or that was stopped, can be read too, up to its last whole record; `run.complete` is False
then. The fields of the files are told in docs/output-format.md.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
import numpy.typing
import pandas
from PIL import Image

from . import runs, statistics, tables
from .definitions import CROSS, CROSSTEST, KINDS, MSE, SALIENCY, SHOWN, SUBEXP, TABLES
from .runs import NoSuchTable, RunError, RunFolder, listed

Folder = str | os.PathLike[str]
SQUARES = {"matrix": "pairs", "family_matrix": "family_pairs"}
SO_FAR = {"statistics": statistics.statistics_so_far, "pairs": statistics.pairs_so_far}
Truths = numpy.typing.NDArray[numpy.bool_]
Floats = numpy.typing.NDArray[numpy.float32]


def read(folder: Folder) -> "Run":
    """The run in `folder`, which one of the xai programs wrote or is writing.

    Raises RunError, a ValueError of one line, where there is no run that can be read: no folder, no run in it, one of
    another schema version (it says how to make it anew), or a record in the journal that is damaged.

    >>> run = read("runs/maps")
    >>> run.kind, run.complete
    ('xai-saliency', True)
    """
    return Run(folder)


def read_all(folders: Folder | Iterable[Folder]) -> "Runs":
    """Several runs side by side, by the names of their folders (by path where two have one name). Raises RunError, also
    where there are none.

    >>> runs = read_all(["runs/maps", "runs/rise"])
    >>> runs.compare("insertion")[["n", "mean"]].round(2)
          n  mean
    run
    maps  3  0.66
    rise  3  0.73
    """
    several = [folders] if isinstance(folders, str | os.PathLike) else folders
    return Runs([read(folder) for folder in several])


class Run:
    """What `read` gives: a run as it was when it was read.

    Tables are made when they are first asked for, and kept; they hold everything that the run's kind has (`tables`). A
    table's `attrs["columns"]` says of each column what it is, in which unit and range, and `describe()` prints that.
    Missing values are NaN in columns of floats and pd.NA in others, integers stay integers (Int64). Asking for what
    runs of this kind do not have is an AttributeError (runs.NoSuchTable) that says which kinds have it.
    """

    def __init__(self, folder: Folder) -> None:
        self._files = RunFolder(folder)
        self._tables: dict[str, pandas.DataFrame] = {}
        self.folder: Path = self._files.folder
        self.info: dict[str, Any] = self._files.info
        """run.json: options, model, data, platform, counts, times."""
        self.kind: str = str(self.info.get("tool"))
        """The program that wrote it, e.g. "xai-mse"; of cross-tests with MSEs "xai-crosstest --mses"."""
        if self.kind not in KINDS:
            raise RunError(f"{self.folder} holds a run of {self.kind}; what can be read are runs of {listed(KINDS)}")
        if self.kind == CROSSTEST and (self.info.get("options") or {}).get("mses"):
            self.kind = SHOWN
        _ = self.records  # so that what cannot be read is found out now

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.absolute().name

    @property
    def status(self) -> str:
        """done; running; stopped (by a signal: run its command again to go on); failed; interrupted (killed)."""
        return str(self.info["status"])

    @property
    def complete(self) -> bool:
        """There is a record of every image, and a summary."""
        return self._files.complete

    @property
    def torn(self) -> bool:
        """The last record is being written, or was cut off by a kill; it is left out."""
        return self._files.torn

    @property
    def model_names(self) -> list[str]:
        """Names of the models: one, or those of a cross-test in their order."""
        return [str(card["name"]) for card in self._files.cards]

    @property
    def images(self) -> list[str]:
        """The images that have records, in their order."""
        return list(dict.fromkeys(self.records["image"]))

    @property
    def tables(self) -> list[str]:
        """Names of the tables that a run of this kind has, each an attribute of this object."""
        return [name for name, what in TABLES.items() if self.kind in what.columns]

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json. Raises RunError where the run is not complete: it is written at the end."""
        return self._files.summary()

    def __repr__(self) -> str:
        counted = len(self.images)
        of = "" if self.complete or self.kind in CROSS else f" of {self._files.image_count}"
        torn = ", a torn last record left out" if self.torn else ""
        models = ("models " if len(self.model_names) > 1 else "model ") + ", ".join(self.model_names or ["?"])
        return f"<run of {self.kind} in {self.folder}: {self.status}, {counted}{of} images{torn}, {models}>"

    # --- tables

    @property
    def records(self) -> pandas.DataFrame:
        """A row for each image; of xai-crosstest for each image, source and tested model.

        >>> run = read("runs/first")
        >>> run.records.dtypes[["image", "found", "p_full", "diverse_exact"]].astype(str).to_dict()
        {'image': 'string', 'found': 'Int64', 'p_full': 'float64', 'diverse_exact': 'boolean'}
        """
        return self.table("records")

    @property
    def mses(self) -> pandas.DataFrame:
        """xai-mse, xai-subexp: a row for each minimal sufficient explanation, with its patches, size, p, ratio and
        certificate; of xai-subexp with its counts of sub-explanations.

        >>> run = read("runs/first")
        >>> run.mses.loc[0, ["patches", "size", "certificate"]].to_dict()
        {'patches': (1, 2, 5, 6, 7, 9, 10, 13, 14), 'size': 9, 'certificate': 'all-subsets'}
        """
        return self.table("mses")

    @property
    def sub_explanations(self) -> pandas.DataFrame:
        """xai-subexp: a row for each image with a search; those of each MSE alone stand in `mses`.

        >>> read("runs/counted").sub_explanations[["image", "distinct", "truncated"]].head(1)
                 image  distinct  truncated
        0  photo00.png        40       True
        """
        return self.table("sub_explanations")

    @property
    def by_size(self) -> pandas.DataFrame:
        """xai-subexp: sub-explanations by their number of patches, of each image (mse is missing) and each MSE.
        xai-mse --estimate: the MSEs that there are, by theirs.

        >>> counts = read("runs/counted").by_size
        >>> counts[counts.mse.isna()].groupby("size").distinct.sum()
        size
        8     39
        9     64
        10    17
        Name: distinct, dtype: Int64
        """
        return self.table("by_size")

    @property
    def curves(self) -> pandas.DataFrame:
        """xai-saliency, xai-crosstest: a row for each curve, a column for each share of the cells, 0 to 1.

        >>> curves = read("runs/maps").curves
        >>> curves.index.names, curves.columns.name
        (FrozenList(['image', 'curve']), 'share')
        >>> curves.xs("insertion", level="curve").mean().round(3)  # the mean curve, ready to be plotted
        share
        0.00    0.000
        0.05    0.076
        ...
        0.95    0.996
        1.00    1.000
        dtype: float64
        """
        return self.table("curves")

    @property
    def objective(self) -> pandas.DataFrame:
        """xai-saliency: the parts of the objective before each iteration, and the step then taken.

        >>> objective = read("runs/maps").objective
        >>> sorted(objective.part.unique())
        ['deletion', 'insertion', 'l1', 'step', 'tv']
        """
        return self.table("objective")

    @property
    def statistics(self) -> pandas.DataFrame:
        """The summary as a table: a row for each quantity. Of a run that is not complete without intervals.

        >>> read("runs/first").statistics.set_index("quantity").loc["found", ["n", "mean"]].round(3).to_dict()
        {'n': 3.0, 'mean': 19.667}
        """
        return self.table("statistics")

    @property
    def pairs(self) -> pandas.DataFrame:
        """xai-crosstest: a row for each source and tested model (matrix.csv), or with --mses for each of these, group
        of images and quantity (sets_matrix.csv). Of a run that is not complete without intervals.

        >>> read("runs/cross").pairs[["source", "model", "n"]].head(2)
          source  model  n
        0  alpha  alpha  3
        1  alpha   beta  3
        """
        return self.table("pairs")

    @property
    def matrix(self) -> pandas.DataFrame:
        """xai-crosstest: mean insertion AUCs, rows: whose map, columns: whose probability; with --mses the share of
        the row's MSEs that are sufficient for the column's model, too.

        >>> matrix = read("runs/cross").matrix
        >>> matrix.index.name, matrix.columns.name, matrix.shape
        ('source', 'model', (3, 3))
        """
        return self.table("matrix")

    @property
    def shown_sets(self) -> pandas.DataFrame:
        """xai-crosstest --mses: a row for each set that a model was shown, controls included.

        >>> sets = read("runs/shown").shown_sets
        >>> sets.groupby("what").ratio.mean().round(3)
        what
        mse       0.910
        other     0.906
        random    0.882
        Name: ratio, dtype: float64
        """
        return self.table("shown_sets")

    @property
    def family_pairs(self) -> pandas.DataFrame:
        """xai-crosstest: a row for each two families (family_matrix.csv).

        >>> read("runs/cross").family_pairs.round(3)
          source_family target_family  pairs   mean  self_test
        0         other         other      2  0.653      False
        1         other   transformer      2  0.634      False
        2   transformer         other      2  0.677      False
        3   transformer   transformer      0  0.658       True
        """
        return self.table("family_pairs")

    @property
    def family_matrix(self) -> pandas.DataFrame:
        """xai-crosstest: means of the matrix by family.

        >>> read("runs/cross").family_matrix.round(3)
        target_family  other  transformer
        source_family
        other          0.653        0.634
        transformer    0.677        0.658
        """
        return self.table("family_matrix")

    @property
    def asymmetry(self) -> pandas.DataFrame:
        """xai-crosstest: how well each model's maps do for others, and others' maps for it (asymmetry.csv).

        >>> read("runs/cross").asymmetry[["model", "difference"]].round(3)
           model  difference
        0  alpha       0.026
        1   beta      -0.070
        2  gamma       0.044
        """
        return self.table("asymmetry")

    @property
    def landscape(self) -> pandas.DataFrame:
        """xai-crosstest: places of the models (landscape.csv); no rows where `summary["landscape_reason"]` says why.

        >>> list(read("runs/cross").landscape.columns)
        ['model', 'family', 'kernel_pca_1', 'kernel_pca_2', 'mds_1', 'mds_2']
        """
        return self.table("landscape")

    @property
    def ensembles(self) -> pandas.DataFrame:
        """xai-crosstest: accuracy of averaged models (ensemble.csv); no rows where the data set has no labels.

        >>> read("runs/cross").ensembles[["members", "relation", "top1"]].tail(2)
                        members relation  top1
        5         (beta, gamma)   across   1.0
        6  (alpha, beta, gamma)   across   1.0
        """
        return self.table("ensembles")

    @property
    def models(self) -> pandas.DataFrame:
        """xai-crosstest: the models with their accuracy.

        >>> read("runs/cross").models[["model", "family", "top1"]]
           model       family  top1
        0  alpha        other   1.0
        1   beta        other   1.0
        2  gamma  transformer   1.0
        """
        return self.table("models")

    def table(self, name: str) -> pandas.DataFrame:
        """The table of this name (one of `tables`), which is the attribute of this name, too."""
        if name not in self._tables:
            self._require(name, TABLES[name].columns if name in TABLES else ())
            self._tables[name] = self._make(name)
        return self._tables[name]

    def _require(self, name: str, kinds: Iterable[str]) -> None:
        if self.kind not in kinds:
            have = f"; runs of {listed(kinds)} have" if kinds else f"; its tables are {listed(self.tables)}"
            raise NoSuchTable(f"{self.folder} is a run of {self.kind} and has no {name!r}{have}")

    def _make(self, name: str) -> pandas.DataFrame:
        columns = TABLES[name].columns[self.kind]
        if name == "curves":
            curves = tables.saliency_curves if self.kind == SALIENCY else tables.crosstest_curves
            return curves(self._files.records(), columns)
        if name in tables.ROWS_OF_A_RECORD:
            rows_of = tables.ROWS_OF_A_RECORD[name]
            return tables.table(columns, (row for record in self._files.records() for row in rows_of(record)))
        if name in SQUARES:
            return tables.square(self.table(SQUARES[name]), "mean", columns)
        if name in SO_FAR and not self.complete:
            return tables.table(columns, SO_FAR[name](self.kind, self.table, self.info.get("options") or {}))
        return tables.table(columns, tables.ROWS_OF_A_SUMMARY[name](self.summary))

    def describe(self, column: str | None = None) -> None:
        """Prints what this run's tables hold, with units and ranges; of `column` alone: what it is in each table.

        >>> read("runs/first").describe("threshold")
        records.threshold: tau: a set S of patches is sufficient when p(S) / p(all) >= tau [ratio, 0 to 1]
        """
        found = False
        for name in self.tables:
            columns = TABLES[name].columns[self.kind]
            if column is None:
                print(f"{name}: {TABLES[name].title}. A row: {TABLES[name].row}.")
            for each in columns:
                if column is None:
                    print(f"  {each.name}: {each.text}")
                elif each.name == column:
                    print(f"{name}.{each.name}: {each.text}")
                    found = True
        if column is not None and not found:
            raise NoSuchTable(f"no table of a run of {self.kind} has a column {column!r}")

    # --- files

    @cached_property
    def maps(self) -> dict[str, Floats]:
        """xai-saliency: the map of each image that has one; size x size, float32, higher = more important.

        >>> maps = read("runs/maps").maps
        >>> len(maps), maps["photo00.png"].shape, maps["photo00.png"].dtype
        (3, (28, 28), dtype('float32'))
        """
        self._require("maps", (SALIENCY,))
        have = self.records[self.records["map"].notna()]
        return {image: self._map(path) for image, path in zip(have["image"], have["map"], strict=True)}

    def map(self, image: str) -> Floats:
        """xai-saliency: the map of one image, size x size, float32. Raises RunError where it has none."""
        self._require("map", (SALIENCY,))
        return self._map(self._path("map", image))

    def picture(self, image: str) -> Image.Image:
        """The picture that the run drew of an image. Raises RunError where it drew none (--pictures N).

        >>> read("runs/first").picture("photo00.png").mode
        'RGB'
        """
        self._require("picture", (MSE, SALIENCY, *CROSS))
        file = self.folder / self._path("picture", image)
        try:
            with Image.open(file) as picture:
                picture.load()
                return picture
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error}") from None

    def mask(self, patches: Sequence[int]) -> Truths:
        """xai-mse, xai-subexp: a set of patches as a grid x grid array, True where a patch is shown. ValueError for
        what is no patch of the grid.

        >>> run = read("runs/first")
        >>> run.mask((0, 5)).astype(int)
        array([[1, 0, 0, 0],
               [0, 1, 0, 0],
               [0, 0, 0, 0],
               [0, 0, 0, 0]])
        """
        self._require("mask", (MSE, SUBEXP))
        grid = int(self.info["options"]["grid"])
        shown = numpy.zeros(grid * grid, bool)
        wrong = [patch for patch in patches if patch not in range(grid * grid)]
        if wrong:
            raise ValueError(f"there is no patch {wrong[0]}; patches are from 0 to {grid * grid - 1}")
        shown[list(patches)] = True
        return shown.reshape(grid, grid)

    def class_name(self, index: int) -> str:
        """The name of a class, or its index where the model's card has no names. RunError for what is no class."""
        return runs.class_name(self.info, index)

    def _path(self, column: str, image: str) -> str:
        of_image = self.records[self.records["image"] == image]
        if of_image.empty:
            raise RunError(f"{self.folder} has no record of {image}; `images` has those that have")
        path = of_image[column].iloc[0]
        if pandas.isna(path):
            raise RunError(f"{self.folder} has no {column} of {image}, whose status is {of_image['status'].iloc[0]}")
        return str(path)

    def _map(self, path: str) -> Floats:
        try:
            return numpy.asarray(numpy.load(self.folder / path), numpy.float32)
        except (OSError, ValueError, EOFError):
            again = runs.remake(self.info, self.folder)
            raise RunError(f"{self.folder / path} is missing or no map; {again}") from None


class Runs(Mapping[str, Run]):
    """What `read_all` gives: runs by name, in the order given. Tables of runs of one kind are joined (`table`)."""

    def __init__(self, several: Sequence[Run]) -> None:
        if not several:
            raise RunError("no runs were given")
        names = [run.name for run in several]
        if len(set(names)) < len(names):
            names = [str(run.folder) for run in several]
        if len(set(names)) < len(names):
            raise RunError(f"the same run twice: {listed(names)}")
        self._runs = dict(zip(names, several, strict=True))

    def __getitem__(self, name: str) -> Run:
        return self._runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {run!r}" for name, run in self.items())

    def table(self, name: str) -> pandas.DataFrame:
        """The tables of this name of all runs, one below the other, with a first column `run` that says whose a row
        is, and a column `model` where a run has one model. Raises RunError where the runs are of several kinds.

        >>> both = read_all(["runs/maps", "runs/rise"])
        >>> both.table("records").groupby("run").size().to_dict()
        {'maps': 4, 'rise': 4}
        """
        kinds = list(dict.fromkeys(run.kind for run in self.values()))
        if len(kinds) != 1:
            raise RunError(f"runs of {listed(kinds)} have unlike tables; read them apart")
        return joined({name_of_run: run.table(name) for name_of_run, run in self.items()}, self._runs)

    @property
    def records(self) -> pandas.DataFrame:
        """`table("records")`."""
        return self.table("records")

    def compare(self, quantity: str | None = None) -> pandas.DataFrame:
        """The runs' statistics side by side: indexed by quantity and run, with model, n, mean, median, standard
        deviation and the 95 % interval of the mean, `low` to `high`; of one `quantity` indexed by run alone. A run
        that is not complete has no interval. Like is compared with like: see `differences`.

        >>> read_all(["runs/first", "runs/other"]).compare("found")[["model", "n"]]
               model  n
        run
        first  alpha  3
        other   tiny  2
        """
        statistics = {name: run.statistics for name, run in self.items()}
        side_by_side = joined(statistics, self._runs)
        quantities = side_by_side["quantity"].unique()
        side_by_side = side_by_side.set_index(["quantity", "run"])
        if quantity is None:
            order = [(q, run) for q in quantities for run in self if (q, run) in side_by_side.index]
            return side_by_side.loc[order]
        if quantity not in quantities:
            raise RunError(f"no run here has a quantity {quantity!r}; they have {listed(quantities)}")
        return side_by_side.loc[[quantity]].droplevel("quantity")

    @property
    def differences(self) -> dict[str, dict[str, Any]]:
        """What makes the runs unlike beside their models: options that all have, and the data, with each run's value.
        Runs should be compared where this is empty, or says just what is to be compared.

        >>> read_all(["runs/maps", "runs/rise"]).differences["method"]
        {'maps': 'igos++', 'rise': 'rise'}
        """
        settings = {name: setting(run) for name, run in self.items()}
        first = next(iter(settings.values()), {})
        common = [key for key in first if all(key in values for values in settings.values())]
        return {
            key: {name: values[key] for name, values in settings.items()}
            for key in common
            if any(values[key] != first[key] for values in settings.values())
        }


def setting(run: Run) -> dict[str, Any]:
    """What can change a record, beside the model: options and the hash of the data set."""
    identity = run.info.get("identity") or {}
    return {"tool": run.kind, **(identity.get("options") or {}), "data": (identity.get("data") or {}).get("sha256")}


def joined(parts: Mapping[str, pandas.DataFrame], of: Mapping[str, Run]) -> pandas.DataFrame:
    """Tables one below the other, with columns for the run and its model."""
    columns = {"run": "name of the run"}
    made = []
    for name, part in parts.items():
        attrs = part.attrs["columns"]
        part = part.reset_index() if part.index.names != [None] else part.copy(deep=False)
        part.insert(0, "run", pandas.Series(name, index=part.index, dtype="string"))
        if "model" not in part.columns and len(of[name].model_names) == 1:
            part.insert(1, "model", pandas.Series(of[name].model_names[0], index=part.index, dtype="string"))
            columns["model"] = "name of the run's model"
        made.append(part)
        columns |= attrs
    whole = pandas.concat(made, ignore_index=True)
    whole.attrs = {"columns": columns}
    return whole
