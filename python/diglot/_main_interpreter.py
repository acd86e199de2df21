"""A refusal of Python's subinterpreters, before anything else is imported.

NumPy keeps its state once for a process, and so do the native kernels: in a subinterpreter the one
warns or refuses, and the others wait for ever for the lock of the main interpreter.
"""

import importlib


def _is_main() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # from Python 3.13 on, and before
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        # From Python 3.13 on, an interpreter's number comes with where it is from.
        current, main = (
            one[0] if isinstance(one, tuple) else one
            for one in (module.get_current(), module.get_main())
        )
        return int(current) == int(main)
    return True


if not _is_main():
    raise ImportError(
        "diglot was imported in a subinterpreter, which NumPy and diglot's compiled kernels do not "
        "support; import it in the main interpreter, or use processes (multiprocessing)"
    )
