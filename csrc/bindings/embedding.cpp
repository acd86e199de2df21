#include "kernels/embedding.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

using Tokens = py::array_t<std::int64_t>;

// The shape of what the tokens' rows make: theirs, and the rows' width.
std::vector<Index> rows_shape(const Tokens& tokens, Index width) {
    std::vector<Index> shape(tokens.shape(), tokens.shape() + tokens.ndim());
    shape.push_back(width);
    return shape;
}

py::object forward_binding(const py::object& tokens_argument, const py::object& w_argument) {
    const py::array w = require_array(w_argument, "w", 2);
    const Index vocabulary = w.shape(0), width = w.shape(1);
    const Tokens tokens = require_indices<std::int64_t>(tokens_argument, "tokens", -1, vocabulary);
    return dispatch(w, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(w);
        py::array_t<T> y = allocate<T>(rows_shape(tokens, width));
        const View<const T, 2> from{values.data(), {vocabulary, width}};
        const View<T, 2> to{y.mutable_data(), {tokens.size(), width}};
        const auto places = flat<std::int64_t>(tokens);
        {
            WithoutGil nogil;
            embedding_forward<T>(places, from, to);
        }
        return y;
    });
}

py::object backward_binding(const py::object& dy_argument, const py::object& tokens_argument,
                            Index vocabulary_size) {
    const py::array dy = require_array(dy_argument, "dy", -1);
    DIGLOT_REQUIRE(vocabulary_size >= 0, "vocabulary_size is " + std::to_string(vocabulary_size) +
                                             ", expected at least 0");
    const Tokens tokens =
        require_indices<std::int64_t>(tokens_argument, "tokens", -1, vocabulary_size);
    const bool fits = dy.ndim() == tokens.ndim() + 1 &&
                      std::equal(tokens.shape(), tokens.shape() + tokens.ndim(), dy.shape());
    DIGLOT_REQUIRE(fits, "dy has shape " + shape_text(dy) + " and tokens " + shape_text(tokens) +
                             "; expected one row of dy for each token");
    const Index width = dy.shape(dy.ndim() - 1);
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(dy);
        py::array_t<T> dw = allocate<T>({vocabulary_size, width});
        const View<const T, 2> from{values.data(), {tokens.size(), width}};
        const auto to = mutable_view<T, 2>(dw);
        const auto places = flat<std::int64_t>(tokens);
        {
            WithoutGil nogil;
            embedding_backward<T>(from, places, to);
        }
        return dw;
    });
}

}  // namespace

void bind_embedding(py::module_& m) {
    m.def("embedding_forward", &forward_binding, py::arg("tokens"), py::arg("w"));
    m.def("embedding_backward", &backward_binding, py::arg("dy"), py::arg("tokens"), py::kw_only(),
          py::arg("vocabulary_size").noconvert());
}

}  // namespace diglot
