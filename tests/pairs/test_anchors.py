"""Every anchor leads somewhere; a change of the sources that breaks one fails here, by name."""

import hashlib
import re
from pathlib import Path

import pytest

from diglot import pairs, sources
from diglot.kernels import native, reference
from diglot.kernels.cases import CASES
from diglot.pairs import build, native_source, python_source
from diglot.pairs.anchors import ANCHORS
from diglot.pairs.cpp import AnchorError

PACKAGE = Path(pairs.__file__).parents[1]
ROWS = [(kernel, row) for kernel, rows in ANCHORS.items() for row in rows]

# The function in which the time of a kernel goes by.
INNER_LOOPS = {
    "matmul": "gemm.cpp tile",
    "dense_forward": "gemm.cpp tile",
    "dense_backward_weight": "gemm.cpp tile",
    "conv2d_forward": "conv_tile.cpp tile",
    "conv2d_backward_input": "conv_tile.cpp tile",
    "conv2d_backward_weight": "conv_sums.cpp tile",
    "max_pool2d_forward": "pool_windows.h reduce_windows",
    "max_pool2d_backward": "pool.cpp scatter",
    "avg_pool2d_forward": "pool_windows.h reduce_windows",
    "avg_pool2d_backward": "pool.cpp share_among_windows",
    "rnn_forward": "recurrent_rnn.cpp Forward::step",
    "rnn_backward": "recurrent_rnn.cpp Backward::step",
    "gru_forward": "recurrent_gru.cpp Forward::step",
    "gru_backward": "recurrent_gru.cpp Backward::step",
    "lstm_forward": "recurrent_lstm.cpp Forward::step",
    "lstm_backward": "recurrent_lstm.cpp Backward::step",
    "sigmoid_forward": "vector_math.h sigmoid",
    "tanh_forward": "vector_math.h tanh_by_formula",
    "gelu_forward": "normal.h gelu",
    "softmax_forward": "softmax_row.h softmax_row",
    "softmax_cross_entropy_forward": "softmax_row.h softmax_row",
    "dropout_forward": "dropout.cpp philox",
    "adam_inplace": "optim.cpp update_block",
}


def excerpts(pair):
    return [side for part in pair.parts for side in (part.left, part.right) if side is not None]


def test_every_kernel_has_anchors():
    assert set(ANCHORS) == set(CASES) == set(reference.__all__)
    assert all(ANCHORS.values())


@pytest.mark.parametrize(
    ("kernel", "row"), ROWS, ids=[f"{kernel}-{row.label}" for kernel, row in ROWS]
)
def test_an_anchor_leads_somewhere(kernel, row):
    assert row.left or row.right
    try:
        if row.left:
            assert python_source.excerpt(getattr(reference, kernel), row.left).text.strip()
        if row.right:
            assert native_source.excerpt(row.right).text.strip()
    except AnchorError as error:
        pytest.fail(f"the part {row.label!r} of {kernel} in pairs/anchors.py: {error}")


@pytest.mark.parametrize("kernel", CASES)
def test_a_pair_has_the_whole_reference_and_the_function_of_the_same_name(kernel):
    definition, body = pairs.find(kernel).parts[:2]
    whole = python_source.excerpt(getattr(reference, kernel), kernel)
    gap = whole.text.removeprefix(definition.left.text).removesuffix(body.left.text)
    assert whole.text.startswith(definition.left.text)
    assert whole.text.endswith(body.left.text)
    assert not gap.strip()
    assert f"def {kernel}(" in definition.left.text
    assert definition.right.text.startswith("// ")  # the header's own account
    assert re.search(rf"^\w+ {kernel}\(", body.right.text, flags=re.M)
    assert "noexcept {" in body.right.text
    labels = [part.label for part in pairs.find(kernel).parts]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("kernel", INNER_LOOPS)
def test_the_loop_that_does_the_work_is_shown(kernel):
    assert native_source.excerpt(INNER_LOOPS[kernel]) in excerpts(pairs.find(kernel))


@pytest.mark.parametrize("name", pairs.names())
def test_an_excerpt_is_byte_for_byte_in_its_file_at_its_line(name):
    for side in excerpts(pairs.find(name)):
        if side.language == "cpp":
            data = (sources.folder() / side.path).read_bytes()
            digest = native.best_build().source_digests()[side.path]
            assert hashlib.sha256(data).hexdigest() == digest  # what was compiled
        else:
            data = (PACKAGE / side.path.removeprefix("python/diglot/")).read_bytes()
        lines = data.splitlines(keepends=True)[side.first_line - 1 : side.last_line]
        assert b"".join(lines) == side.text.encode(), (side.path, side.first_line)
        assert side.text.endswith("\n")


def test_a_broken_anchor_says_which(monkeypatch):
    with pytest.raises(AnchorError, match=r"csrc/kernels/gemm.cpp: 'tyle' is defined 0 times"):
        native_source.excerpt("gemm.cpp tyle")
    with pytest.raises(AnchorError, match="begins with no comment"):
        native_source.excerpt("gemm.cpp //")
    with pytest.raises(AnchorError, match=r"recurrent.py defines 'lstm_sell' 0 times"):
        python_source.excerpt(reference.lstm_forward, "lstm_sell")
    with pytest.raises(AnchorError, match="0 statements of 'lstm_cell' begin with 'k = '"):
        python_source.excerpt(reference.lstm_forward, "lstm_cell|k = ")
    row = ANCHORS["matmul"][0]._replace(right="gemm.cpp tyle")
    monkeypatch.setitem(build.ANCHORS, "matmul", (row,))
    with pytest.raises(AnchorError, match="tyle"):
        pairs.find("matmul")


def test_statements_of_the_reference_are_whole():
    loop = python_source.excerpt(reference.lstm_forward, "lstm_forward|for t in")
    assert loop.text.startswith("    for t in range(T):\n        h[t + 1], c[t + 1]")
    assert len(loop.lines) == 2
    several = python_source.excerpt(reference.lstm_forward, "lstm_cell|z_i, ..h = ")
    assert [line.split()[0] for line in several.lines] == ["z_i,", "i,", "c", "h"]
