#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JPEG pictures at each subsampling of chroma, beside what Pillow makes of them.

    scripts/picture_vectors.py [compress/data/testdata/chroma]

compress/data's tests hold its decoding against them. Needs Pillow and NumPy.
"""
import os
import sys

import numpy as np
from PIL import Image

SUBSAMPLINGS = {"444": 0, "422": 1, "420": 2}


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "compress/data/testdata/chroma"
    y, x = np.mgrid[0:19, 0:23]  # odd sizes: the last samples of chroma cover one pixel
    waves = np.stack([np.sin(x / 3 + y / 5), np.cos(x / 4 - y / 3), np.sin((x + y) / 2.5)], -1)
    picture = Image.fromarray(np.rint(127 + 100 * waves).astype(np.uint8))
    for name, subsampling in SUBSAMPLINGS.items():
        path = os.path.join(out, name + ".jpg")
        picture.save(path, quality=90, subsampling=subsampling)
        Image.open(path).convert("RGB").save(os.path.join(out, name + ".png"), optimize=True)


if __name__ == "__main__":
    main()
