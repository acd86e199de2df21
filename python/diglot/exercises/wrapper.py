"""The C++ that calls a learner's rung from plain pointers: what ctypes can call."""

from diglot.exercises.exercise import Exercise

__all__ = ["wrapper"]

_HEADER = """#include "ladder/{operation}.h"

namespace {{

using namespace diglot;
"""

# n holds the sizes and then the strides of all matrices, as native.py lists them.
_CALLS = {
    "matmul": """
template <class T>
Index scratch(const Index*) {{
    return ladder::matmul_{rung}_scratch<T>(1);
}}

template <class T>
void run(const Index* n, const T* const* in, T* out, T* memory) {{
    ladder::matmul_{rung}<T>({{in[0], n[0], n[1], n[3]}}, {{in[1], n[1], n[2], n[4]}},
                             {{out, n[0], n[2], n[5]}}, memory, 1);
}}
""",
    "conv2d": """
ConvShape shape(const Index* n) {{
    return {{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9],
            {{n[10], n[11]}}, {{n[12], n[13]}}, {{n[14], n[15]}}, false}};
}}

template <class T>
Index scratch(const Index* n) {{
    return ladder::conv2d_{rung}_scratch<T>(shape(n), 1);
}}

template <class T>
void run(const Index* n, const T* const* in, T* out, T* memory) {{
    const ConvShape s = shape(n);
    ladder::conv2d_{rung}<T>(s, {{in[0], {{s.n, s.c, s.h, s.w}}}},
                             {{in[1], {{s.oc, s.group_channels(), s.kh, s.kw}}}}, in[2],
                             {{out, {{s.n, s.oc, s.oh, s.ow}}}}, memory, 1);
}}
""",
    "lstm": """
template <class T>
Index scratch(const Index* n) {{
    return ladder::lstm_{rung}_scratch<T>({{n[0], n[1], n[2], n[3]}}, 1);
}}

template <class T>
void run(const Index* n, const T* const* in, T* out, T* memory) {{
    ladder::lstm_{rung}<T>({{{{n[0], n[1], n[2], n[3]}},
                            in[0], in[1], in[2], in[3], in[4], in[5], out}},
                           memory, 1);
}}
""",
}

_ENTRIES = """
}}  // namespace

extern "C" {{
diglot::Index scratch_float(const diglot::Index* n) {{ return scratch<float>(n); }}
diglot::Index scratch_double(const diglot::Index* n) {{ return scratch<double>(n); }}
void run_float(const diglot::Index* n, const float* const* in, float* out, float* memory) {{
    run<float>(n, in, out, memory);
}}
void run_double(const diglot::Index* n, const double* const* in, double* out, double* memory) {{
    run<double>(n, in, out, memory);
}}
}}
"""


def wrapper(exercise: Exercise) -> str:
    """Write the file that is compiled beside the learner's."""
    text = _HEADER + _CALLS[exercise.home] + _ENTRIES
    return text.format(operation=exercise.home, rung=exercise.rung)
