"""Draw the pictures of the how-to pages, by the code that stands before each of them.

Run in any folder; the pictures are written beside this file.
"""

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
PAGES = ["history", "look_inside"]
# A block of Python; and where a picture of the display that it makes follows, its name.
BLOCK = re.compile(
    r"```python\n(.*?)```\n(?:\n!\[[^\]]*\]\(\.\./images/(\w+\.png)\))?", re.DOTALL
)


def draw(page):
    names = {}
    for source, picture in BLOCK.findall(page.read_text("utf-8")):
        exec(source, names)
        if picture:
            names["display"].figure_.savefig(HERE / picture, dpi=100)
            print(picture)
        plt.close("all")


if __name__ == "__main__":
    for name in PAGES:
        draw(HERE.parent / "howto" / f"{name}.md")
