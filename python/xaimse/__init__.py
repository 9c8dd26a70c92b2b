"""Do two image classifiers decide for the same reasons? The Python side of the xai programs.

`read` and `read_all` open the folders that the programs write, `find_mses`, `count_sub_explanations`, `diverse` and
`insertion_auc` run the C++ searches over any scorer, `explain` explains a torch module's decision on one image.
Nothing heavy is imported before it is used: torch only by `explain`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .explaining import Explanation as Explanation
    from .explaining import explain as explain
    from .preprocessing import Preprocessing as Preprocessing
    from .reading import Run as Run
    from .reading import Runs as Runs
    from .reading import read as read
    from .reading import read_all as read_all
    from .runs import RunError as RunError
    from .search import count_sub_explanations as count_sub_explanations
    from .search import diverse as diverse
    from .search import find_mses as find_mses
    from .search import insertion_auc as insertion_auc

_HOMES = {
    "Explanation": "explaining",
    "explain": "explaining",
    "Preprocessing": "preprocessing",
    "Run": "reading",
    "RunError": "runs",
    "Runs": "reading",
    "read": "reading",
    "read_all": "reading",
    "count_sub_explanations": "search",
    "diverse": "search",
    "estimate_mses": "search",
    "find_mses": "search",
    "insertion_auc": "search",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'xaimse' has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
