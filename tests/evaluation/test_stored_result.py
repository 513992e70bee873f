from __future__ import annotations

from mlflow_genie_plugin.evaluation.cells import result_sha256
from mlflow_genie_plugin.evaluation.stored_result import stored_result


def test_rows_can_be_left_out_but_the_digest_stays(make_table):
    table = make_table([(i,) for i in range(50)])
    everything, sample, none = (stored_result(table, None, how) for how in ("all", "sample", "none"))
    assert everything.query_result() == table
    assert sample.query_result() is None
    assert len(sample.rows) == 20
    assert none.rows is None
    assert none.query_result() is None
    assert everything.result_sha256 == sample.result_sha256 == none.result_sha256 == result_sha256(table)


def test_a_truncated_result_keeps_the_rows_that_came(make_table):
    table = make_table([(i,) for i in range(5)], row_count=9000, truncated=True)
    assert stored_result(table, None).query_result() == table
