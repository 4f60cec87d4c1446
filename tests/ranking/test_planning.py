import json

from toolkit.ranking.planning import Budget, plan


def test_the_2022_challenge() -> None:
    found = plan(50, 0.01, 0.7, 0.012, 0.0)
    needs = {need.tau: need for need in found.needs}
    assert needs[0.5].networks == 8_947
    assert round(needs[0.5].half_width or 0, 3) == 0.141
    assert needs[0.9].networks < needs[0.5].networks
    assert needs[0.9].images > needs[0.5].images > 10_000
    reaches = {reach.images: reach for reach in found.reaches}
    assert round(reaches[5_000].tau, 2) == 0.68
    assert Budget.model_validate_json(json.dumps(found.model_dump())) == found


def test_images_that_all_networks_share_go_further() -> None:
    other, same = (plan(None, 0.01, 0.7, 0.012, correlation) for correlation in (0.0, 0.5))
    assert same.needs[2].images * 2 - other.needs[2].images in (0, 1)
    assert same.needs[2].networks == other.needs[2].networks
    assert same.needs[2].half_width is None


def test_tables_say_what_was_asked() -> None:
    needs, reaches = plan(13, 0.05, 0.7, 0.012, 0.0).sections()
    assert needs.title.endswith("±0.05")
    assert needs.heading[1] == "with 13 networks"
    assert {len(row) for row in needs.rows} == {4}
    assert {len(row) for row in reaches.rows} == {3}
    assert plan(None, 0.05, 0.7, 0.012, 0.0).sections()[0].heading[1] == "networks trained alone"
