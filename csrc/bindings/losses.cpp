#include "kernels/losses.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

using Labels = py::array_t<std::int64_t>;

Labels require_labels(const py::object& argument, const py::array& rows, const char* rows_name) {
    const Labels labels = require_indices<std::int64_t>(argument, "labels", 1, rows.shape(1));
    DIGLOT_REQUIRE(labels.shape(0) == rows.shape(0),
                   "labels has shape " + shape_text(labels) + ", expected (" +
                       std::to_string(rows.shape(0)) + ",), one for each row of " + rows_name);
    return labels;
}

py::object forward_binding(const py::object& logits_argument, const py::object& labels_argument) {
    const py::array logits = require_array(logits_argument, "logits", 2);
    DIGLOT_REQUIRE(logits.shape(0) > 0, "logits has no rows; the mean loss of none is undefined");
    const Labels labels = require_labels(labels_argument, logits, "logits");
    return dispatch(logits, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(logits);
        py::array_t<T> probabilities = allocate_like<T>(logits);
        const auto to = mutable_view<T, 2>(probabilities);
        const auto from = view<T, 2>(values);
        const auto label_view = flat<std::int64_t>(labels);
        const Scratch<double> row_losses(logits.shape(0));
        double loss;
        {
            WithoutGil nogil;
            loss = softmax_cross_entropy_forward<T>(from, label_view, to, row_losses.data());
        }
        return py::make_tuple(loss, probabilities);
    });
}

py::object backward_binding(const py::object& probabilities_argument,
                            const py::object& labels_argument) {
    const py::array probabilities = require_array(probabilities_argument, "probabilities", 2);
    const Labels labels = require_labels(labels_argument, probabilities, "probabilities");
    return dispatch(probabilities, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(probabilities);
        py::array_t<T> dlogits = allocate_like<T>(probabilities);
        const auto to = mutable_view<T, 2>(dlogits);
        const auto from = view<T, 2>(values);
        const auto label_view = flat<std::int64_t>(labels);
        {
            WithoutGil nogil;
            softmax_cross_entropy_backward<T>(from, label_view, to);
        }
        return dlogits;
    });
}

}  // namespace

void bind_losses(py::module_& m) {
    m.def("softmax_cross_entropy_forward", &forward_binding, py::arg("logits"), py::arg("labels"));
    m.def("softmax_cross_entropy_backward", &backward_binding, py::arg("probabilities"),
          py::arg("labels"));
}

}  // namespace diglot
