"""A subinterpreter gets a clear refusal, and the main interpreter does not notice."""

import pytest
from children import ended, needs_kernels, start

# Python renamed the module, and what makes an interpreter.
CREATE = """
try:
    import _interpreters as subinterpreters
except ImportError:
    try:
        import _xxsubinterpreters as subinterpreters
    except ImportError:
        print("none")
        raise SystemExit

CODE = r'''
try:
    import diglot
except ImportError as error:
    print("refused:", error, flush=True)
else:
    print("imported", flush=True)
'''

def try_it():
    interpreter = subinterpreters.create()
    subinterpreters.run_string(interpreter, CODE)
    subinterpreters.destroy(interpreter)
"""
REFUSED = (
    "refused: diglot was imported in a subinterpreter, which NumPy and diglot's compiled kernels "
    "do not support; import it in the main interpreter, or use processes (multiprocessing)"
)


@needs_kernels
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_subinterpreter_is_refused(order):
    after = "try_it(); try_it(); print(kernels.matmul(big, big).shape)"
    # Before: the main interpreter has imported neither diglot nor NumPy.
    before = {"first": CREATE + "try_it()"} if order == "before" else {"first": CREATE}
    code, out, err = ended(start(after, **before))
    lines = out.strip().split("\n")
    if lines == ["none"]:
        pytest.skip("this Python makes no subinterpreters")
    assert (code, err) == (0, "")
    assert lines == [REFUSED] * (3 if order == "before" else 2) + ["(300, 300)"]
