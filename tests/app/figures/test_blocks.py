import pytest

from app.figures import blocks as figures
from app.views.blocks import NOTHING, blocks, cells
from toolkit.spaces import SPACES


@pytest.mark.parametrize("name", SPACES)
def test_every_space_is_drawn_to_scale(name: str) -> None:
    space = SPACES[name]
    most = blocks(space, space.largest)
    figure = figures.network(blocks(space, space.smallest), most)
    axis = figure.layout.xaxis
    assert len(axis.ticktext) == len(most)
    assert max(max(bar.y) for bar in figure.data) >= max(max(block.widths, default=0) for block in most)


def test_a_chosen_kind_of_block_is_named() -> None:
    space = SPACES["nasbench-macro"]
    figure = figures.network(blocks(space, space.parse("00000002")), blocks(space, space.largest))
    assert "3.3<br>mb6_k5" in figure.layout.xaxis.ticktext
    assert "1.2<br>–" in figure.layout.xaxis.ticktext
    assert "stem" in figure.layout.xaxis.ticktext


def test_a_cell_is_drawn_with_an_arc_for_each_edge() -> None:
    space = SPACES["nasbench201"]
    code = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
    (graph,) = cells(space, space.parse(code))
    edges = graph.edges
    assert [(edge.source, edge.node) for edge in edges] == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert [edge.operation for edge in edges][:3] == ["nor_conv_3x3", NOTHING, "avg_pool_3x3"]
    assert edges[0].macs > edges[4].macs > edges[1].macs == 0
    figure = figures.cell(graph, space.decisions[0].options)
    assert figure.data[-1].text == ("in", "1", "2", "out")
    assert [arc.line.dash for arc in figure.data[:6]] == ["solid", "dot", "solid", "solid", "solid", "dot"]
    assert len({arc.line.color for arc in figure.data[:6]}) == 5


def test_cells_of_two_inputs_are_drawn_by_kind() -> None:
    space = SPACES["darts-none"]
    edges = "sep_conv_5x5:0 skip_connect:1 max_pool_3x3:0 none:1 dil_conv_3x3:1 none:3 avg_pool_3x3:2 sep_conv_3x3:4"
    normal, reduction = cells(space, space.parse(space.respelled(f"{edges} | {edges}")))
    assert (normal.name, reduction.name) == ("normal cell", "reduction cell")
    found = [(edge.source, edge.node, edge.operation) for edge in normal.edges]
    assert found == [
        (0, 2, "sep_conv_5x5"),
        (1, 2, "skip_connect"),
        (0, 3, "max_pool_3x3"),
        (1, 4, "dil_conv_3x3"),
        (2, 5, "avg_pool_3x3"),
        (4, 5, "sep_conv_3x3"),
    ]
    assert [edge.macs > 0 for edge in normal.edges] == [True, False, False, True, False, True]
    assert reduction.edges[1].macs > 0, "a skip connection that halves the map has weights"
    figure = figures.cell(normal, space.operations)  # type: ignore[attr-defined]
    assert figure.data[-1].text == ("in", "in", "2", "3", "4", "5")
    low, high = figure.layout.yaxis.range
    assert all(low < min(arc.y) <= max(arc.y) < high for arc in figure.data)


def test_networks_without_cells_have_none() -> None:
    space = SPACES["resnet48"]
    assert cells(space, space.largest) == []
    assert len(cells(SPACES["nats-size"], SPACES["nats-size"].largest)[0].edges) == 6
