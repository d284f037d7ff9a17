"""How the gallery runs the examples."""

import os
from pathlib import Path

LONG = ["plot_recipes.py", "plot_tables.py"]


def arguments(gallery_conf, script_vars):
    """Arguments of an example: a folder for its files, and few epochs if it is long."""
    # They print it, as it is given; the folder that they run in is their own.
    example = Path(script_vars["src_file"])
    pictures = Path(gallery_conf["src_dir"], "_build/pictures")
    out = ["--out", os.path.relpath(pictures, example.parent)]
    return [*out, "--quick"] if example.name in LONG else out


class ReadingOrder:
    """Places of the examples in the gallery; a new one is to be given one here."""

    names = [
        "digits",
        "article_by_hand",
        "gradient_check",
        "optimizers",
        "hidden_units",
        "schedules",
        "early_stopping",
        "dropout",
        "recipes",
        "tables",
        "grid_search",
        "calibration",
        "errors",
        "saliency",
        "regression",
        "autoencoder",
        "partial_fit",
        "save",
    ]

    def __init__(self, folder):
        pass

    def __call__(self, file):
        return self.names.index(file.removesuffix(".py").removeprefix("plot_"))
