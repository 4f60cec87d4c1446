"""One function per kind of plan: each adds its block to a graph and returns the name of the result.

`x` names the block's input and `at` the block, as its weights are named: `blocks.3`.
"""

from converters.onnx.graph import Graph
from toolkit.spaces import plans
from toolkit.spaces.plans import Plan


def stem(graph: Graph, x: str, plan: plans.Stem, at: str) -> str:
    """See `toolkit.spaces.plans.Stem`."""
    x = graph.relu(graph.conv_norm(x, f"{at}.conv", f"{at}.bn", plan.stride))
    return graph.pool("MaxPool", x, kernel=3, stride=2, pad=1) if plan.pool else x


def basic_block(graph: Graph, x: str, plan: plans.BasicBlock, at: str) -> str:
    """See `toolkit.spaces.plans.BasicBlock`."""
    y = graph.relu(graph.conv_norm(x, f"{at}.conv1", f"{at}.bn1", plan.stride))
    y = graph.conv_norm(y, f"{at}.conv2", f"{at}.bn2")
    if plan.project:
        x = graph.conv_norm(x, f"{at}.downsample.0", f"{at}.downsample.1", plan.stride)
    return graph.activation(graph.add(y, x), plan.activation, f"{at}.outer")


def conv_norm(graph: Graph, x: str, plan: plans.ConvNorm, at: str) -> str:
    """See `toolkit.spaces.plans.ConvNorm`."""
    x = graph.relu(x) if plan.relu == "before" else x
    x = graph.conv_norm(x, f"{at}.conv", f"{at}.bn", plan.stride)
    return graph.relu(x) if plan.relu == "after" else x


def norm_relu(graph: Graph, x: str, at: str) -> str:
    """See `toolkit.spaces.plans.NormReLU`."""
    return graph.relu(graph.norm(x, f"{at}.bn"))


def avg_pool(graph: Graph, x: str) -> str:
    """See `toolkit.spaces.plans.AvgPool`."""
    return graph.pool("AveragePool", x, kernel=3, stride=1, pad=1, count_include_pad=0)


def reduction(graph: Graph, x: str, plan: plans.Reduction, at: str) -> str:
    """See `toolkit.spaces.plans.Reduction`."""
    y = graph.relu(graph.conv_norm(graph.relu(x), f"{at}.conv1", f"{at}.bn1", stride=2))
    y = graph.conv_norm(y, f"{at}.conv2", f"{at}.bn2")
    x = graph.pool("AveragePool", x, kernel=2, stride=2, pad=0, ceil_mode=plan.size % 2)
    return graph.add(y, graph.conv(x, f"{at}.downsample"))


def inverted_residual(graph: Graph, x: str, plan: plans.InvertedResidual, at: str) -> str:
    """See `toolkit.spaces.plans.InvertedResidual`."""
    y = graph.relu(graph.conv_norm(x, f"{at}.expand", f"{at}.bn1"))
    y = graph.relu(graph.conv_norm(y, f"{at}.depthwise", f"{at}.bn2", plan.stride, depthwise=True))
    y = graph.conv_norm(y, f"{at}.project", f"{at}.bn3")
    return graph.add(y, x) if plan.shortcut else y


def choice(graph: Graph, x: str, plan: plans.Choice, at: str) -> str:
    """The one branch of a path. See `toolkit.spaces.plans.Choice`."""
    ((name, branch),) = plan.branches
    return add_block(graph, x, branch, f"{at}.{name}")


def cell(graph: Graph, x: str, plan: plans.Cell, at: str) -> str:
    """See `toolkit.spaces.plans.Cell`."""
    nodes = [x]
    for node, edges in enumerate(plan.nodes, start=1):
        brought = [
            add_block(graph, nodes[source], edge, f"{at}.edges.{source}-{node}")
            for source, edge in enumerate(edges)
            if edge is not None
        ]
        nodes.append(
            graph.add(*brought) if brought else graph.zeros(x, f"{at}.{node}", plan.in_channels, plan.channels)
        )
    return nodes[-1]


def head(graph: Graph, x: str, at: str) -> str:
    """See `toolkit.spaces.plans.Head`."""
    return graph.linear(graph.node("Flatten", graph.node("GlobalAveragePool", x)), f"{at}.fc")


def add_block(graph: Graph, x: str, plan: Plan, at: str) -> str:
    """The block of any plan."""
    match plan:
        case plans.Stem():
            return stem(graph, x, plan, at)
        case plans.BasicBlock():
            return basic_block(graph, x, plan, at)
        case plans.ConvNorm():
            return conv_norm(graph, x, plan, at)
        case plans.NormReLU():
            return norm_relu(graph, x, at)
        case plans.Identity():
            return x
        case plans.AvgPool():
            return avg_pool(graph, x)
        case plans.Reduction():
            return reduction(graph, x, plan, at)
        case plans.InvertedResidual():
            return inverted_residual(graph, x, plan, at)
        case plans.Choice():
            return choice(graph, x, plan, at)
        case plans.Cell():
            return cell(graph, x, plan, at)
        case plans.Head():
            return head(graph, x, at)
