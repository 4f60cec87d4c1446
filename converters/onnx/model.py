"""From plans and weights to an ONNX model."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, helper

from converters.onnx.graph import Graph
from converters.onnx.primitives import add_step
from toolkit.backends.weights import path_weights
from toolkit.data.base import ImageSpec
from toolkit.spaces import Plan, Plans
from toolkit.spaces.primitives import Convolution, Norm
from toolkit.spaces.wiring import graph as wiring

OPSET, IR = 13, 7
"""Of 2020: every runtime in use knows them, and our networks need nothing newer (Mish, of 2022, is written out)."""

INPUT, OUTPUT = "images", "logits"


def build_model(
    plans: Plans,
    weights: Mapping[str, npt.NDArray[np.float32]],
    spec: ImageSpec,
    facts: Mapping[str, str],
    *,
    normalise: bool = False,
) -> ModelProto:
    """The network of `plans`, batch norm folded into its convolutions, for any number of images.

    Its input `images` are normalised floats (n, c, h, w) or, with `normalise`, pixels as uint8, which the graph then
    normalises; its output are `logits` (n, classes).

    Args:
        weights: of these plans or wider; those are taken that a path runs on (`path_weights`).
        facts: what the file says of itself besides mean and standard deviation of the pixels.
    """
    graph = Graph(path_weights(plans, weights))
    x = _normalised(graph, INPUT, spec.mean, spec.std) if normalise else INPUT
    states = [x]
    for index, plan in enumerate(plans):
        if plan is not None:
            states.append(add_block(graph, plan, [states[-back] for back in plan.reads], f"blocks.{index}"))
    graph.nodes[-1].output[:] = [OUTPUT]
    shape: list[str | int | None] = ["n", spec.channels, spec.size, spec.size]
    kind = TensorProto.UINT8 if normalise else TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(INPUT, kind, shape)]
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", spec.classes])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "candidate", inputs, outputs, graph.constants),
        producer_name="supernet-toolkit",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
    )
    pixels = {"input": "uint8 pixels" if normalise else "(pixels / 255 - mean) / std"}
    helper.set_model_props(model, {**facts, **pixels, "mean": _text(spec.mean), "std": _text(spec.std)})
    return model


def add_block(graph: Graph, plan: Plan, inputs: list[str], at: str) -> str:
    """A block, whose weights are named behind `at`; the name of its output."""
    drawn = wiring(plan)
    if not drawn.single:
        raise ValueError("a candidate has one block at a position")
    readers = Counter(value for step in drawn.steps for value in step.inputs)
    # A batch norm that alone reads a convolution becomes part of it: by the value of the convolution.
    norms = {
        step.inputs[0]: (step, step.op.eps)
        for step in drawn.steps
        if isinstance(step.op, Norm)
        and step.inputs[0] >= len(inputs)
        and isinstance(drawn.step(step.inputs[0]).op, Convolution)
        and readers[step.inputs[0]] == 1
    }
    values = list(inputs)
    for value, step in enumerate(drawn.steps, start=len(inputs)):
        if step.inputs[0] in norms and norms[step.inputs[0]][0] is step:
            values.append(values[step.inputs[0]])
            continue
        norm = (f"{at}.{norms[value][0].name}", norms[value][1]) if value in norms else None
        read = [values[each] for each in step.inputs]
        values.append(add_step(graph, step, read, f"{at}.{step.name}", drawn.map(step.inputs[0]), norm))
    return values[drawn.output]


def _normalised(graph: Graph, x: str, mean: Sequence[float], std: Sequence[float]) -> str:
    """(x / 255 - mean) / std of pixels."""
    middle, width = (np.array(values)[:, None, None] for values in (mean, std))
    x = graph.node("Cast", x, to=TensorProto.FLOAT)
    x = graph.node("Mul", x, graph.constant("pixels.scale", 1 / (255 * width)))
    return graph.node("Sub", x, graph.constant("pixels.offset", middle / width))


def _text(values: Sequence[float]) -> str:
    return " ".join(map(str, values))
