"""Wrong answers are caught, and what is said leads to the mistake."""

import time
from pathlib import Path

import pytest
from solved import with_body, with_methods
from test_solutions import COMPILED

from conftest import has_compiler
from diglot.exercises import speed

needs_compiler = pytest.mark.skipif(
    not (COMPILED and has_compiler), reason="nothing is compiled, or there is no C++ compiler"
)

RIGHT = "y * (1 - y)"
SOFTMAX = """N = len(logits)
exp = np.exp(logits)
p = exp / exp.sum(axis=1, keepdims=True)
return float(-np.log(p[np.arange(N), labels]).mean()), p"""
SUMMED = """N = len(logits)
z = logits - logits.max(axis=1, keepdims=True)
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
return float(-np.log(p[np.arange(N), labels]).sum()), p"""
REBOUND = """velocity = momentum * velocity + lr * (grad + weight_decay * param)
param = param - velocity"""
NOT_CORRECTED = """g = grad + weight_decay * param
mean[...] = beta1 * mean + (1 - beta1) * g
mean_squares[...] = beta2 * mean_squares + (1 - beta2) * g * g
param -= lr * mean / (np.sqrt(mean_squares) + eps)"""
ONCE = """dw = np.zeros((vocabulary_size, dy.shape[-1]), dy.dtype)
dw[tokens] += dy
return dw"""
GATES = """z_i, z_f, z_o, z_g = np.split(x @ w_x + h @ w_h + b, 4, axis=1)
i, f, o, g = sigmoid_forward(z_i), sigmoid_forward(z_f), sigmoid_forward(z_o), tanh_forward(z_g)
c = f * c + i * g
return o * tanh_forward(c), c, np.concatenate([i, f, o, g], axis=1)"""
RECURSIVE = """output.grad += output_grad
for source, part in zip(output.depends_on, output.source_grads(output_grad)):
    send_back(source, part)"""
HANDED_ON_TWICE = """output.grad = output.grad + output_grad
for node in reversed(topological_order(output)):
    for source, part in zip(node.depends_on, node.source_grads(node.grad)):
        source.grad += part"""

OTHER_TYPE = f"return dy * {RIGHT} * np.ones(1)"
TRANSPOSED = "return (w.T @ x.T + b[:, None]) if b is not None else (x @ w).T"
ONE_ROW = "return x.T @ dy, dy[0] if len(dy) else dy.sum(axis=0)"
CHANGED = "probabilities[0] -= 1\nreturn probabilities"
UNSCALED = """mask = (_random_words(x.size, seed) >= int(rate * 2**32)).reshape(x.shape)
return x * mask, mask"""
CONVOLUTION = """from diglot.kernels import reference
settings = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
"""

CASES = {
    "sigmoid_backward": [
        ("pass", "parity", "returned None: does it end with `return`?"),
        (f"return dy * {RIGHT}[0]", "parity", "expected"),
        ("return dy * y", "parity", "The factor 1 - y is missing."),
        (f"return {RIGHT}", "parity", "by the chain rule, times dy"),
        (f"return -dy * {RIGHT}", "parity", "The sign is wrong."),
        (f"return 3 * dy * {RIGHT}", "parity", "3 times what they should be"),
        (f"dy *= {RIGHT}\nreturn dy", "inputs", "dy was changed"),
        (f"dy = dy * {RIGHT}\nreturn y", "inputs", "shares its memory with y"),
        (OTHER_TYPE, "float32", "dtype float64, expected float32"),
        ("return dy * slope", "parity", "NameError: name 'slope' is not defined"),
        ("return dy *", "answer", "SyntaxError"),
        ("return [dy, y]", "parity", "returned a list, expected an array"),
    ],
    "relu_backward": [
        ("return np.where(y >= 0, dy, 0)", "gradient", "differ by"),
        ("return dy * (y > 0)", "parity", "infinity * 0 is NaN: choose with np.where"),
        ("return np.where(y > 0, dy, 0)", "parity", "each comparison with NaN is False"),
    ],
    "dense_forward": [
        ("return x @ w", "parity", "The bias b is missing."),
        (TRANSPOSED, "parity", "transposed"),
        ("return x @ w + b", "parity", "Line 36: return x @ w + b"),
    ],
    "dense_backward_weight": [
        ("return x.T @ dy, dy", "parity", "is the sum over the batch missing?"),
        ("return x.T @ dy", "parity", "returns 1 array, expected 2 arrays: dw, db"),
        ("return dy.T @ x, dy.sum(axis=0)", "parity", "(3, 4), expected (4, 3). It is transposed."),
        (ONE_ROW, "parity", "db is the sum over all rows"),
    ],
    "softmax_cross_entropy_forward": [
        (SOFTMAX, "parity", "an exponential has overflowed"),
        (SUMMED, "parity", "there are 5 rows, is the mean missing?"),
    ],
    "softmax_cross_entropy_backward": [(CHANGED, "parity", "expected")],
    "dropout_forward": [(UNSCALED, "parity", "What is kept is not scaled up")],
    "sgd_momentum_inplace": [
        (REBOUND, "parity", "param has not changed. `param = ...` makes a new array"),
        ("param -= lr * grad\nreturn param", "parity", "return nothing"),
    ],
    "adam_inplace": [(NOT_CORRECTED, "parity", "divide by 1 - beta**step")],
    "conv2d_forward": [
        (CONVOLUTION + "del settings['padding']\n"
         "return reference.conv2d_forward(x, w, b, **settings)",
         "parity", "2*padding"),
        (CONVOLUTION + "return reference.conv2d_forward(x, w[:, :, ::-1, ::-1], b, **settings)",
         "parity", "The filters are turned around"),
        (CONVOLUTION + "return reference.conv2d_forward(x, w, b, **settings).transpose(0, 2, 3, 1)",
         "parity", "The axes are in another order."),
        (CONVOLUTION + "return reference.conv2d_forward(x, w, b, **settings) * 1.01",
         "parity", "1.01 times"),
    ],
    "embedding_backward": [(ONCE, "parity", "stands twice got the gradient of one place")],
    "lstm_cell": [
        (GATES, "parity", "i, f, g, o in this order"),
        ("return x", "parity", "1 of 3 arrays: h', c', gates"),
    ],
    "send_back": [
        (RECURSIVE, "parity", "Recursion is not deep enough"),
        (HANDED_ON_TWICE, "parity", "what earlier walks left in grad is not to be handed on"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body", "row", "message"), [(name, *c) for name, cases in CASES.items() for c in cases]
)
def test_a_wrong_answer_is_caught_and_explained(name, body, row, message, quick):
    found = quick(name, body)
    assert not found.passed
    failed = {r.name: r.message for r in found.rows if r.passed is False}
    told = [text for title, text in failed.items() if row in title]
    assert told, failed
    assert message in told[0]


def test_a_message_says_which_case_and_what_was_passed(quick):
    found = quick("dense_forward", "return x @ w")
    assert found.message.startswith(
        "Case '5x4x3', float64: x (5, 4), w (4, 3), b (3,).\ny[0, 0] is "
    )
    assert "15 of 15 elements differ" in found.message
    assert found.rows[0].result == "6 of 13 cases"


def test_a_message_shows_the_numbers_that_an_element_is_made_of(quick):
    found = quick("relu_backward", "dx = dy.copy()\ndx[y < 0] = 0\nreturn dx")
    assert ", y is 0." in found.message
    assert "NaN" not in found.message  # there are some in the case, but elsewhere


def test_a_slow_but_right_answer_passes(quick):
    """Loops over numbers, as the first hint says: the cases are small enough for them."""
    loops = """sh, sw = (stride, stride) if isinstance(stride, int) else stride
ph, pw = (padding, padding) if isinstance(padding, int) else padding
dh, dw = (dilation, dilation) if isinstance(dilation, int) else dilation
N, C, H, W = x.shape
OC, C_g, KH, KW = w.shape
OH = (H + 2 * ph - dh * (KH - 1) - 1) // sh + 1
OW = (W + 2 * pw - dw * (KW - 1) - 1) // sw + 1
y = np.zeros((N, OC, OH, OW), x.dtype)
for n, o, i, j in np.ndindex(*y.shape):
    first = o // (OC // groups) * C_g
    total = 0.0 if b is None else float(b[o])
    for c in range(C_g):
        for u in range(KH):
            for v in range(KW):
                row, column = i * sh + u * dh - ph, j * sw + v * dw - pw
                if 0 <= row < H and 0 <= column < W:
                    total += float(x[n, first + c, row, column]) * float(w[o, c, u, v])
    y[n, o, i, j] = total
return y"""
    found = quick("conv2d_forward", loops)
    assert found.passed, found.message


METHODS = {
    "_output": "return self.input_ @ self.param",
    "_input_grad": "return output_grad @ self.param.T",
    "_param_grad": "return _rows(self.input_).T @ _rows(output_grad)",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, ""),
        ({"_output": "pass"}, "_output returned None"),
        ({"_output": "return self.input_ @ self.param.T"}, "expected"),
        ({"_input_grad": "return output_grad @ self.param"}, "expected"),
        ({"_param_grad": "return _rows(output_grad).T @ _rows(self.input_)"}, "transposed"),
        ({"_param_grad": "return self.input_.T @ output_grad"}, "return self.input_.T @ output"),
        ({"_input_grad": "return output_grad @ self.param.T / len(output_grad)"}, "too small"),
    ],
)
def test_an_operation_is_judged_by_its_methods(changed, message, quick):
    found = quick("WeightMultiply", text=with_methods("WeightMultiply", METHODS | changed))
    assert found.passed == (not changed), found.message
    assert any(message in row.message for row in found.rows)


# ---- what does not come to an end ----------------------------------------------------------------


def test_an_endless_loop_is_stopped(grade):
    found = grade("sigmoid_backward", "while True:\n    pass", limit=2.0)
    assert found.rows[-1].result == "never ends"
    assert "case '(2, 3, 5): dy normal, y unit', float64" in found.message


def test_a_crash_is_reported_with_its_place(grade):
    found = grade("sigmoid_backward", "import ctypes\nctypes.string_at(0)")
    assert found.rows[-1].result == "crashed"
    assert "segmentation fault" in found.message
    assert "case '(2, 3, 5): dy normal, y unit', float64" in found.message


def test_who_leaves_early_has_not_passed(grade):
    found = grade("sigmoid_backward", "import os\nos._exit(0)")
    assert not found.passed
    assert "the process ended with status 0" in found.message
    text = with_body("sigmoid_backward", "return dy") + "raise SystemExit\n"
    assert "cannot be run" in grade("sigmoid_backward", text=text).message


def test_what_an_answer_prints_is_kept_apart(grade):
    found = grade("sigmoid_backward", f"print('dy is', dy.shape)\nreturn dy * {RIGHT}")
    assert found.passed
    assert found.printed.startswith("dy is (2, 3, 5)\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "defines no sigmoid_backward: the name must stay"),
        ("def sigmoid_backward(dy): return dy", "must stay: (dy, y)"),
        ("import no_such_module", "ModuleNotFoundError"),
    ],
)
def test_a_file_without_the_function_is_explained(text, message, quick):
    assert message in quick("sigmoid_backward", text=text).message


def test_a_file_is_not_taken_for_a_module_of_the_same_name(grade, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise ImportError('mine')")
    monkeypatch.chdir(tmp_path)
    assert grade("sigmoid_backward", f"return dy * {RIGHT}").passed


# ---- C++ -----------------------------------------------------------------------------------------

LOOPS = (
    "for (Index i = 0; i {less} c.rows; ++i)\n"
    "        for (Index j = 0; j < c.columns; ++j) {{\n"
    "            T sum = 0;\n"
    "            for (Index k = 0; k < b.rows; ++k) sum += {a} * b.row(k)[j];\n"
    "            c.row(i)[j] = sum;\n"
    "        }}"
)
ELEMENT = "a.row(i)[k]"


@needs_compiler
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (LOOPS.format(less="<=", a=ELEMENT), "It wrote outside of the result"),
        (LOOPS.format(less="<", a="a.data[i * b.rows + k]"), "with gaps between their rows"),
        (LOOPS.format(less="<", a=ELEMENT).replace("b.rows", "b.rows - 1"), "c[0, 0] is "),
        ("(void)b;", "an element that was never written"),
        ("c.row(-100000000)[0] = 1;", "segmentation fault"),
        ("while (c.rows) c.row(0)[0] = 1;", "stopped, after 2 s"),
    ],
    ids=["beyond", "stride", "sum", "unwritten", "crash", "endless"],
)
def test_a_wrong_loop_in_cpp_is_caught(body, message, grade):
    found = grade("matmul_naive", body, limit=2.0)
    assert not found.passed
    assert message in found.message


@needs_compiler
def test_a_compilers_errors_are_trimmed_to_the_learners_lines(grade):
    body = "for (Index i = 0; i < c.rows; ++i) c.rov(i)[0] = 0;\n    T x = 1\n    y = 2;"
    found = grade("matmul_naive", body)
    lines = with_body("matmul_naive", body).splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "c.rov" in text)
    assert found.rows[0].result == "refuses it"
    assert f"matmul_naive.cpp:{line}:" in found.message
    assert "c.rov(i)[0] = 0;" in found.message
    assert found.message.count("\n") < 12


@needs_compiler
def test_a_signature_that_was_changed_is_explained(grade):
    text = with_body("matmul_naive", "").replace("DIGLOT_COMPILE_MATMUL(naive)", "")
    found = grade("matmul_naive", text=text)
    assert found.rows[0].name == "compiler"
    assert "It compiles, but matmul_naive is not found: keep its arguments" in found.message


def test_without_a_compiler_it_says_what_to_do(grade, monkeypatch, tmp_path):
    if not COMPILED:
        pytest.skip("nothing is compiled")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match=r"no C\+\+ compiler is found .* Install one"):
        grade("matmul_naive", LOOPS.format(less="<", a=ELEMENT))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(OSError, match="CXX=no-such-compiler is not found"):
        grade("matmul_naive", LOOPS.format(less="<", a=ELEMENT))


# ---- speed ---------------------------------------------------------------------------------------


def test_the_speed_of_python_is_told_and_not_judged(grade):
    found = grade("sigmoid_backward", f"return dy * {RIGHT}", speed=True)
    assert found.passed
    assert found.rows[-1].name == "speed"
    assert found.rows[-1].passed is None
    assert " x as fast as the reference, on case (70001,)" in found.rows[-1].result


def test_a_wrong_answer_is_not_timed(grade):
    assert "speed" not in [row.name for row in grade("dense_forward", "return x", speed=True).rows]


@pytest.mark.parametrize(("ratio", "passed"), [(2.9, False), (3.0, True), (150.0, True)])
def test_the_mark_for_speed_is_a_factor(ratio, passed):
    row = speed.judged(ratio, "naive", 3.0, {"kernel": 100.0}, "512 x 512")
    assert row.passed is passed
    assert bool(row.message) is not passed
    assert "the library's kernel: 100 x" in row.result
    assert speed.judged(ratio, "naive", 0.0, {}, "512 x 512").passed is None


@needs_compiler
def test_a_rung_is_timed_beside_the_ladder(grade):
    found = grade("matmul_naive", LOOPS.format(less="<", a=ELEMENT), speed=True)
    assert found.passed
    assert found.rows[-1].name == "speed"
    assert (
        "x as fast as the library's naive, on (512 x 512) times (512 x 512)"
        in found.rows[-1].result
    )
    assert "the library's kernel" in found.rows[-1].result


def test_calls_take_turns():
    order = []
    times = speed.fastest({name: lambda name=name: order.append(name) for name in "ab"}, seconds=0)
    assert order == ["a", "b"] * 3
    assert set(times) == {"a", "b"}


def test_an_answer_that_never_stops_to_print_is_stopped_and_fills_no_disk(grade):
    found = grade("sigmoid_backward", "while True:\n    print('x' * 1000)", limit=1)
    assert found.rows[-1].result == "never ends"
    assert len(found.printed) < 3000


def test_processes_that_an_answer_has_started_are_ended_with_it(grade, tmp_path):
    note = tmp_path / "process"
    body = f"""import subprocess, sys
process = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
open({str(note)!r}, 'w').write(str(process.pid))
raise SystemExit"""
    grade("sigmoid_backward", body)
    state = Path(f"/proc/{note.read_text()}/stat")
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc to look into")
    for _ in range(100):
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("it is still running")


def test_an_answer_that_forks_is_graded_once(grade):
    body = """import os
if 'FORKED' not in os.environ:
    os.environ['FORKED'] = 'once'
    os.fork()
return dy * y"""
    names = [row.name for row in grade("sigmoid_backward", body).rows]
    assert len(names) == len(set(names))
