"""How long operations take in onnxruntime, one by one, and whole networks beside them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto, TensorProto, helper

from converters.onnx.graph import Graph
from converters.onnx.latency import open_session
from converters.onnx.model import IR, OPSET, add_block, build_model
from toolkit.backends.base import Weights
from toolkit.backends.shapes import extracted, is_statistic
from toolkit.backends.weights import path_weights
from toolkit.data.base import ImageSpec
from toolkit.latencies import Operation
from toolkit.latencies.operations import CALL, Key
from toolkit.spaces import Plan, Plans, SearchSpace
from toolkit.spaces.primitives import Map
from toolkit.spaces.wiring import graph as wiring

T = TypeVar("T")

ROUNDS = 6
"""How often everything is measured: the least and the most of six hold the median of all with 97 %."""

SECONDS = 0.02
"""How long one thing runs in a round, after a first time that does not count; its median counts."""

TOGETHER = 64
"""Things whose rounds alternate, so that a busy moment of the machine does not meet one of them alone."""

LEAST = 1e-4
"""Milliseconds: what takes no more than a call itself does."""


def measure_operations(plans: Mapping[Key, Plan], threads: int) -> Iterator[dict[Key, Operation]]:
    """Time blocks with random weights on one image, some at a time, on so many threads of the CPU.

    What a call itself takes is measured with each batch, subtracted, and yielded as `CALL`.
    """
    for some in _some(list(plans.items())):
        models = {(CALL, ""): _call(), **{key: operation_model(plan) for key, plan in some}}
        found = dict(zip(models, _timed(list(models.values()), threads), strict=True))
        call = found[CALL, ""]
        yield {
            key: call if key == (CALL, "") else Operation(*(max(LEAST, ms - call.ms) for ms in _numbers(operation)))
            for key, operation in found.items()
        }


def measure_networks(space: SearchSpace, networks: Sequence[Plans], threads: int) -> Iterator[Operation]:
    """Time whole networks with random weights on one image."""
    spec = ImageSpec(space.channels, space.size, space.classes, (0.0,) * space.channels, (1.0,) * space.channels)
    for some in _some(networks):
        yield from _timed([build_model(plans, _random(plans), spec, {}) for plans in some], threads)


def operation_model(plan: Plan) -> ModelProto:
    """A block by itself, with random weights."""
    shapes = wiring(plan).inputs
    names = [f"input{number}" for number in range(len(shapes))]
    graph = Graph(path_weights((plan,), _random((plan,))))
    output = add_block(graph, plan, names, "blocks.0")
    return _model(graph, dict(zip(names, shapes, strict=True)), output)


def _call() -> ModelProto:
    """Next to nothing: what is left is what a call takes."""
    graph = Graph({})
    return _model(graph, {"input0": Map(1, 1)}, graph.node("Identity", "input0"))


def _model(graph: Graph, inputs: Mapping[str, Map], output: str) -> ModelProto:
    shaped = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, each.channels, each.size, each.size])
        for name, each in inputs.items()
    ]
    given = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    return helper.make_model(
        helper.make_graph(graph.nodes, "operation", shaped, [given], graph.constants),
        producer_name="supernet-toolkit",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
    )


def _random(plans: Plans) -> Weights:
    """Weights as they might be; zeros would be no fair work for every kernel."""
    rng = np.random.default_rng(0)
    return {
        name: np.ones(shape, np.float32) if is_statistic(name) else 0.1 * rng.standard_normal(shape, np.float32)
        for name, shape in extracted(plans).items()
    }


def _timed(models: Sequence[ModelProto], threads: int) -> list[Operation]:
    """Of each model the median of all rounds, the least and the most, in milliseconds."""
    sessions = [open_session(model.SerializeToString(), threads) for model in models]
    feeds = [_feed(session) for session in sessions]
    rounds = np.array(
        [[_round(*each) for each in zip(sessions, feeds, strict=True)] for _ in range(ROUNDS)], dtype=np.float64
    )
    return [Operation(float(np.median(of)), float(of.min()), float(of.max())) for of in rounds.T]


def _feed(session: onnxruntime.InferenceSession) -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return {
        given.name: rng.standard_normal([size if isinstance(size, int) else 1 for size in given.shape], np.float32)
        for given in session.get_inputs()
    }


def _round(session: onnxruntime.InferenceSession, feed: dict[str, npt.NDArray[np.float32]]) -> float:
    session.run(None, feed)
    taken: list[float] = []
    while not taken or sum(taken) < SECONDS:
        start = time.perf_counter()
        session.run(None, feed)
        taken.append(time.perf_counter() - start)
    return 1e3 * float(np.median(taken))


def _some(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many as are timed together."""
    return (things[first : first + TOGETHER] for first in range(0, len(things), TOGETHER))


def _numbers(operation: Operation) -> tuple[float, float, float]:
    return operation.ms, operation.low, operation.high
