"""Every reader of data from outside, a good file for each, and ways to spoil it: for the tests and the long run."""

import io
import json
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.numpy import save

from app.views.ranking.saved import read_report as read_rank
from app.views.ranking.uploads import Upload, shape
from converters.submission.blending import blend
from converters.tables.recognise import read_results
from converters.weights import Ask, read_weights, recognise
from tests import weight_files
from toolkit.backends.base import Counts
from toolkit.candidates import read_candidates
from toolkit.data.cifar import LAYOUTS, read_batch
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.files import read_bytes
from toolkit.interference.table import Row as Measured
from toolkit.interference.table import as_frame, read_interference, write_interference
from toolkit.latencies import read_latencies
from toolkit.priors.ledger import Ledger as PriorLedger
from toolkit.priors.ledger import Row as Score
from toolkit.priors.ledger import Setting as PriorSetting
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.pairs import Pairs
from toolkit.ranking.tables import read_values
from toolkit.runs.checkpoint import Facts, load_checkpoint, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics, rewind_metrics
from toolkit.runs.recipe import find_recipe, read_recipe
from toolkit.search.files import read_policy, write_policy
from toolkit.search.policy import Policy
from toolkit.search.trace import Round, read_rounds, write_rounds
from toolkit.spaces import get_space
from toolkit.sweeps.report import Finished, compare, read_report

ARRAYS = {"blocks.0.conv.weight": np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3), "n": np.array([1])}
SETTING = Setting("resnet20", "c" * 64, "d" * 64, 100, "stored")
CODES = [
    "16-12-16-12-8-16-4-24-4-24-32-4-32-28-60-64-52-36-64-32",
    "4-12-4-8-4-12-12-20-8-4-12-8-8-40-36-20-44-48-56-4",
]
CANDIDATES = {f"arch{i}": {"acc": i / 10, "arch": code} for i, code in enumerate(CODES, start=1)}


@dataclass(frozen=True)
class Reader:
    """One way in: `read` takes a path; `good` is what such a file holds."""

    name: str
    suffix: str
    good: Callable[[Path], bytes]
    read: Callable[[Path], Any]
    own_name: str | None = None


def _torch(zipped: bool) -> Callable[[Path], bytes]:
    def make(_: Path) -> bytes:
        file = io.BytesIO()
        state = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
        torch.save({"state_dict": state, "epoch": 3}, file, _use_new_zipfile_serialization=zipped)
        return file.getvalue()

    return make


def _ledger(folder: Path) -> bytes:
    path = folder / "made.sqlite"
    path.unlink(missing_ok=True)
    with Ledger.write(path) as ledger:
        ledger.record(SETTING, [Row(code, Counts(50, 80, 100, 1.5), 0.1) for code in CODES])
    return path.read_bytes()


def _checkpoint(folder: Path) -> bytes:
    path = folder / "made.safetensors"
    save_checkpoint(path, Facts("resnet20", 3, 32, 100, 5, "r"), {"a": np.zeros(3, np.float32)})
    return path.read_bytes()


def _interference(folder: Path) -> bytes:
    write_interference(folder / "made.parquet", as_frame([Measured("gradient_cosine", 0.5)], 1, 0.5))
    return (folder / "made.parquet").read_bytes()


def _parquet(_: Path) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"arch": CODES, "acc": [0.5, 0.25]}), file)
    return file.getvalue()


def _policy(folder: Path) -> bytes:
    write_policy(folder / "made-policy.json", Policy(get_space("nasbench-macro")))
    return (folder / "made-policy.json").read_bytes()


def _rounds(folder: Path) -> bytes:
    write_rounds(folder / "made.jsonl", [Round(3, 0.5, 0.25, {"width1": 1.5}), Round(5, 0.75, 0.5)])
    return (folder / "made.jsonl").read_bytes()


def _priors(folder: Path) -> bytes:
    path = folder / "made-priors.sqlite"
    path.unlink(missing_ok=True)
    with PriorLedger.write(path) as ledger:
        ledger.record(PriorSetting("resnet20", "zen", "{}", "3x32x32, 100 classes"), [Score(CODES[0], 0.5, 0.1)])
    return path.read_bytes()


def _read_priors(path: Path) -> None:
    with PriorLedger.read(path) as ledger:
        for setting in ledger.settings("resnet20"):
            ledger.scores(setting)


def _rank_report(_: Path) -> bytes:
    draw = np.random.default_rng(0)
    truth, names = draw.normal(size=20), tuple(f"n{number}" for number in range(20))
    pairs = Pairs(names, truth + draw.normal(size=20), truth, 0, 0)
    return rank_report(pairs, {"MACs": draw.normal(size=20)}, resamples=100).model_dump_json(indent=2).encode()


def _sweep_report(_: Path) -> bytes:
    draw = np.random.default_rng(0)
    truth = draw.normal(size=20)
    found = {("plain", seed): Finished(truth + draw.normal(size=20), 1.0, 0.5) for seed in (0, 1)}
    report = compare(list(found), found, {}, truth, space="resnet20", baseline="plain", resamples=100)
    return report.model_dump_json(indent=2).encode()


def _cifar(_: Path) -> bytes:
    return pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"fine_labels": [0, 1, 2, 3]}, protocol=2)


def _upload(path: Path) -> None:
    shape(Upload(path.name, read_bytes(path)))


def _read_ledger(path: Path) -> None:
    with Ledger.read(path) as ledger:
        for holding in ledger.settings():
            ledger.results(holding.setting)


def _metrics(path: Path) -> None:
    run = RunFolder(path.parent)
    read_metrics(run)
    rewind_metrics(run, 3)


def _weights(path: Path) -> None:
    recognise(read_weights(path), Ask())


def _results(path: Path) -> None:
    if not (found := read_results(path)).problems:
        assert found.rows


READERS = (
    Reader("pdparams", "pdparams", lambda _: weight_files.pdparams(ARRAYS), _weights),
    Reader("zip", "pth", _torch(zipped=True), _weights),
    Reader("legacy", "pt", _torch(zipped=False), _weights),
    Reader("safetensors", "safetensors", lambda _: save(ARRAYS, {"space": "resnet20"}), _weights),
    Reader("checkpoint", "safetensors", _checkpoint, load_checkpoint),
    Reader("ledger", "sqlite", _ledger, _read_ledger),
    Reader("priors", "sqlite", _priors, _read_priors),
    Reader("candidates", "json", lambda _: json.dumps(CANDIDATES).encode(),
           lambda path: read_candidates(path, get_space("resnet20"))),
    Reader("blend", "json", lambda _: json.dumps(CANDIDATES).encode(), lambda path: blend([path, path])),
    Reader("results", "txt", lambda _: "".join(f"{code} 0.5 0.6\n" for code in CODES).encode(), _results),
    Reader("csv", "csv", lambda _: "\n".join(["arch,acc", *(f"{code},0.5" for code in CODES)]).encode(),
           lambda path: read_values(path, ["arch"], ["acc"])),
    Reader("json", "json", lambda _: json.dumps({code: {"acc": 0.5, "z": {"score": 1}} for code in CODES}).encode(),
           lambda path: read_values(path, ["arch"], ["z.score"])),
    Reader("parquet", "parquet", _parquet, lambda path: read_values(path, ["arch"], ["acc"])),
    Reader("latency", "csv", lambda _: "\n".join(["code,phone", *(f"{code},1.5" for code in CODES)]).encode(),
           lambda path: read_latencies(path, get_space("resnet20"))),
    Reader("interference", "parquet", _interference, read_interference),
    Reader("recipe", "toml", lambda _: find_recipe("resnet20").read_bytes(), read_recipe),
    Reader("policy", "json", _policy, lambda path: read_policy(path, get_space("nasbench-macro"))),
    Reader("search", "jsonl", _rounds, read_rounds),
    Reader("metrics", "jsonl", lambda _: b'{"step": 1, "epoch": 0.5, "loss": 2.5}\n{"step": 2, "epoch": 1.0}\n',
           _metrics, own_name="metrics.jsonl"),
    Reader("sweep report", "json", _sweep_report, read_report),
    Reader("rank report", "json", _rank_report, lambda path: read_rank(RunFolder(path.parent)),
           own_name="rank.json"),
    Reader("cifar", "bin", _cifar, lambda path: read_batch(path, LAYOUTS["cifar100"])),
    *(Reader(f"upload {suffix}", suffix, good, _upload) for suffix, good in (
        ("csv", lambda _: "\n".join(["arch,acc", *(f"{code},0.5" for code in CODES)]).encode()),
        ("json", lambda _: json.dumps(CANDIDATES).encode()),
        ("parquet", _parquet),
    )),
)  # fmt: skip
"""All of them."""

NASTY = (
    b"null", b"[]", b"{}", b'""', b"1e999", b"-1e308", b"9" * 5000, b"NaN", b"Infinity", b"\x00", b"\xff\xfe",
    b"\x1b[31m", b"[" * 5000, b'{"a":' * 5000, b"true", b"\xed\xa0\x80", b"\\ud800", b"1.54E+51", b",",
    b";", b"\n", b'"', b"-1",
)  # fmt: skip
"""What stands in the way of parsers."""


def spoiled(good: bytes, seed: int) -> bytes:
    """`good` with a few changes: bits flipped, parts cut out, repeated or replaced, text that parsers trip over."""
    draw = random.Random(seed)
    content = bytearray(good)
    for _ in range(draw.choice((1, 1, 2, 4))):
        place = draw.randrange(len(content) + 1)
        match draw.randrange(7):
            case 0 if content:
                content[min(place, len(content) - 1)] ^= 1 << draw.randrange(8)
            case 1:
                del content[place:]
            case 2:
                del content[place : place + draw.choice((1, 4, 16))]
            case 3:
                content[place:place] = content[place : place + draw.choice((1, 8, 64))] * draw.choice((1, 2, 50))
            case 4:
                content[place : place + draw.choice((0, 1, 4))] = draw.choice(NASTY)
            case 5:
                content[place : place + 4] = draw.choice((b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff"))
            case _:
                content[place : place + 8] = draw.randbytes(8)
    return bytes(content)


def hostile(good: bytes) -> Iterator[bytes]:
    """What needs no chance: nothing, every nasty text alone, and each in place of the first value."""
    yield b""
    yield from NASTY
    for text in NASTY:
        yield good.replace(b"0.5", text, 1)
        yield good + text
