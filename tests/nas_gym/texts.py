"""Small texts in the layouts that the corpora read, so that no test downloads anything."""

import atexit
import hashlib
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

WORDS = ("the", "<unk>", "N", "of", "cat", "sat", "on", "mats")


def random_lines(lines: int, seed: int = 0) -> str:
    """Draw lines of three to eight words, with a blank at both ends as the Penn Treebank has them."""
    generator = np.random.default_rng(seed)
    drawn = [generator.choice(WORDS, size=generator.integers(3, 9)) for _ in range(lines)]
    return "".join(f" {' '.join(line)} \n" for line in drawn)


def write_ptb(folder: Path) -> dict[str, str]:
    """Write a small Penn Treebank where it is looked for; return the files' checksums."""
    checksums = {}
    for seed, (part, lines) in enumerate((("train", 300), ("valid", 60), ("test", 60))):
        file = folder / "PennTreebank" / f"ptb.{part}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random_lines(lines, seed).encode())
        checksums[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return checksums


@cache
def small_text() -> Path:
    """Return a text file that lasts as long as the process."""
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    file = Path(temporary.name) / "story.txt"
    file.write_text(random_lines(300, seed=3), encoding="utf-8")
    return file
