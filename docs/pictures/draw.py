"""Run the code of docs/pictures.md here, and make the pictures that it writes small."""

import os
import re
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write network.svg and the PNG files of the page, each with 256 colours."""
    page = (HERE.parent / "pictures.md").read_text(encoding="utf-8")
    os.chdir(HERE)
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page, flags=re.M | re.S):
        exec(compile(block, "pictures.md", "exec"), names)
    for name in re.findall(r"path=\"(\w+\.png)\"", page):
        with Image.open(name) as picture:
            small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(name, optimize=True)


if __name__ == "__main__":
    main()
