from benchmarks.comparison import COLUMNS, Comparison, in_turns, provenance, table


def comparison(turns, target=2.0):
    return Comparison("what", "peer", "s", turns, target, predicted=3.0, method="method")


def test_the_ratio_is_the_median_of_the_turns_ratios_not_the_ratio_of_medians():
    found = comparison([(10.0, 1.0), (8.0, 4.0), (30.0, 10.0)])
    assert found.peer_cost == 10.0
    assert found.our_cost == 4.0
    assert found.ratio == 3.0


def test_a_ratio_at_its_target_meets_it():
    assert comparison([(2.0, 1.0)]).met
    assert not comparison([(1.99, 1.0)]).met


def test_peer_and_we_take_turns():
    order = []
    assert in_turns(2, lambda: order.append("peer") or 3, lambda: order.append("ours") or 1) == [(3, 1), (3, 1)]
    assert order == ["peer", "ours", "peer", "ours"]


def test_the_table_says_what_fell_short():
    lines = table([comparison([(4.0, 1.0)]), comparison([(1.0, 1.0)])]).splitlines()
    assert [line.count("|") for line in lines] == [len(COLUMNS) + 1] * 4
    assert lines[2] == "| what | peer | 4 s | 1 s | 4.0× | ≥ 2× | 3.0× | yes | method |"
    assert "**no**" in lines[3]


def test_provenance_names_versions_and_cores_and_no_machine():
    import platform

    said = provenance()
    assert "torch" in said
    assert "cores" in said
    assert platform.node() not in said
