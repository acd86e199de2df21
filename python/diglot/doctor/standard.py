"""Where Python's own modules are: asked before anything else may be imported (`start.py`)."""

import os
import sys


def is_standard(entry: str) -> bool:
    """Tell whether an entry of sys.path holds Python's own modules."""
    library = os.path.dirname(os.__file__)
    compiled = (os.path.join(library, "lib-dynload"), os.path.join(sys.base_prefix, "DLLs"))
    return os.path.abspath(entry) in map(os.path.abspath, (library, *compiled))
