"""How the gallery runs the examples."""

from pathlib import Path

LONG = ["plot_recipes.py", "plot_tables.py"]


def arguments(gallery_conf, script_vars):
    """Arguments of an example: a folder for its files, and few epochs if it is long."""
    out = ["--out", str(Path(gallery_conf["src_dir"], "_build/pictures"))]
    return [*out, "--quick"] if Path(script_vars["src_file"]).name in LONG else out
