"""How the gallery runs the examples."""

from pathlib import Path

LONG = ["plot_recipes.py", "plot_tables.py"]


def arguments(gallery_conf, script_vars):
    """Arguments of an example: a folder for its files, and few epochs if it is long."""
    out = ["--out", str(Path(gallery_conf["src_dir"], "_build/pictures"))]
    return [*out, "--quick"] if Path(script_vars["src_file"]).name in LONG else out


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
