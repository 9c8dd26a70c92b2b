"""`xai-export`: image classifiers as NAME.pt (TorchScript) and NAME.json (its model card), for the xai-* programs.

`cli.main` is the program; `writing.export` and `torchscript.card_for_file` are what it calls. A module uses those
before it in: errors, limits, files, zoo, preprocessing, classes, weights, sources, downloaded, outputs, tracing, head,
cut, suggestion, card, torchscript, writing, cli. Those up to zoo, and cli, need no package but the standard library.
What explain() does too is in the modules outputs, preprocessing and perturbation of xaimse.
"""
