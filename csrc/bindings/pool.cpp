#include "kernels/pool.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

Index output_extent(const char* axis, Index size, Index kernel, Index stride, Index padding) {
    DIGLOT_REQUIRE(2 * padding <= kernel,
                   std::string("padding is ") + std::to_string(padding) + " in " + axis +
                       ", expected at most half of kernel_size, " + std::to_string(kernel / 2));
    const Index padded = size + 2 * padding;
    DIGLOT_REQUIRE(kernel <= padded, std::string("kernel_size is ") + std::to_string(kernel) +
                                         " in " + axis + ", but the padded image has " +
                                         std::to_string(padded));
    return (padded - kernel) / stride + 1;
}

// `images` is the argument that tells their size.
Index pixels(const char* images, Index h, Index w) {
    const Index count = checked_product(h, w);
    const auto what = [&] {
        return std::string(images) + ": an image of " + std::to_string(h) + " x " +
               std::to_string(w) + " pixels has ";
    };
    DIGLOT_REQUIRE(count > 0, what() + "none to pool");
    DIGLOT_REQUIRE(count <= 0x7fffffff, what() + "more than the 2^31 - 1 that an index can name");
    return count;
}

// Read before the arrays are looked at: a user's __index__ may change an array.
struct Settings {
    Pair kernel, stride, padding;

    Settings(const py::object& kernel_size, const py::object& stride_argument,
             const py::object& padding_argument)
        : kernel(require_pair(kernel_size, "kernel_size", 1)),
          stride(stride_argument.is_none() ? kernel : require_pair(stride_argument, "stride", 1)),
          padding(require_pair(padding_argument, "padding", 0)) {}
};

// The shape of the images and of what comes out.
struct Images {
    Index n, c;
    PoolShape pool;

    Images(const char* images, Index n, Index c, Index h, Index w, const Settings& s)
        : n(n), c(c), pool{checked_product(n, c), h, w, 0, 0, s.kernel, s.stride, s.padding} {
        pool.oh = output_extent("height", h, s.kernel.height, s.stride.height, s.padding.height);
        pool.ow = output_extent("width", w, s.kernel.width, s.stride.width, s.padding.width);
        pixels(images, h, w);
    }
    std::vector<Index> outputs() const { return {n, c, pool.oh, pool.ow}; }
};

py::object max_pool2d_forward_binding(const py::object& x_argument, const py::object& kernel_size,
                                      const py::object& stride, const py::object& padding) {
    const Settings settings(kernel_size, stride, padding);
    const py::array x = require_array(x_argument, "x", 4);
    const Images images("x", x.shape(0), x.shape(1), x.shape(2), x.shape(3), settings);
    const PoolShape& s = images.pool;
    return dispatch(x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(x);
        py::array_t<T> y = allocate<T>(images.outputs());
        auto indices = allocate<std::int32_t>(images.outputs());
        T* y_data = y.mutable_data();
        std::int32_t* indices_data = indices.mutable_data();
        {
            WithoutGil nogil;
            max_pool2d_forward<T>(s, values.data(), y_data, indices_data);
        }
        return py::make_tuple(y, indices);
    });
}

// The indices as max_pool2d_forward returned them are used as they are: the kernel writes nowhere
// else, whatever another Python thread puts there meanwhile, and reports those outside the image.
// All others are checked and copied.
py::array_t<std::int32_t> usable_indices(const py::object& argument, const py::array& dy,
                                         Index limit) {
    using Indices = py::array_t<std::int32_t, py::array::c_style>;
    const auto* const ndarray =
        reinterpret_cast<PyTypeObject*>(py::detail::npy_api::get().PyArray_Type_);
    if (Py_TYPE(argument.ptr()) == ndarray && py::isinstance<Indices>(argument)) {
        auto indices = py::reinterpret_borrow<py::array_t<std::int32_t>>(argument);
        const auto address = reinterpret_cast<std::uintptr_t>(indices.data());
        if (indices.ndim() == dy.ndim() && address % alignof(std::int32_t) == 0) return indices;
    }
    return require_indices<std::int32_t>(argument, "indices", 4, limit);
}

py::object max_pool2d_backward_binding(const py::object& dy_argument,
                                       const py::object& indices_argument,
                                       const py::object& input_size) {
    const Pair size = require_size(input_size, "input_size");
    const py::array dy = require_array(dy_argument, "dy", 4);
    const Index limit = pixels("input_size", size.height, size.width);
    const auto indices = usable_indices(indices_argument, dy, limit);
    require_same_shape(indices, "indices", dy, "dy");
    const PoolShape s{
        dy.shape(0) * dy.shape(1), size.height, size.width, dy.shape(2), dy.shape(3), {}, {}, {}};
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(dy);
        py::array_t<T> dx = allocate<T>({dy.shape(0), dy.shape(1), s.h, s.w});
        T* dx_data = dx.mutable_data();
        bool inside;
        {
            WithoutGil nogil;
            inside = max_pool2d_backward<T>(s, values.data(), indices.data(), dx_data);
        }
        if (!inside) {
            require_indices<std::int32_t>(indices, "indices", 4, limit);  // says which
            fail("indices was changed by another thread");
        }
        return dx;
    });
}

py::object avg_pool2d_forward_binding(const py::object& x_argument, const py::object& kernel_size,
                                      const py::object& stride, const py::object& padding) {
    const Settings settings(kernel_size, stride, padding);
    const py::array x = require_array(x_argument, "x", 4);
    const Images images("x", x.shape(0), x.shape(1), x.shape(2), x.shape(3), settings);
    const PoolShape& s = images.pool;
    return dispatch(x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(x);
        py::array_t<T> y = allocate<T>(images.outputs());
        T* y_data = y.mutable_data();
        {
            WithoutGil nogil;
            avg_pool2d_forward<T>(s, values.data(), y_data);
        }
        return y;
    });
}

py::object avg_pool2d_backward_binding(const py::object& dy_argument, const py::object& input_size,
                                       const py::object& kernel_size, const py::object& stride,
                                       const py::object& padding) {
    const Pair size = require_size(input_size, "input_size");
    const Settings settings(kernel_size, stride, padding);
    const py::array dy = require_array(dy_argument, "dy", 4);
    const Images images("input_size", dy.shape(0), dy.shape(1), size.height, size.width, settings);
    const PoolShape& s = images.pool;
    const std::vector<Index> expected{dy.shape(0), dy.shape(1), s.oh, s.ow};
    DIGLOT_REQUIRE(std::equal(expected.begin(), expected.end(), dy.shape()),
                   "dy has shape " + shape_text(dy) + ", expected " + shape_text(expected));
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(dy);
        py::array_t<T> dx = allocate<T>({dy.shape(0), dy.shape(1), s.h, s.w});
        T* dx_data = dx.mutable_data();
        {
            WithoutGil nogil;
            avg_pool2d_backward<T>(s, values.data(), dx_data);
        }
        return dx;
    });
}

}  // namespace

void bind_pool(py::module_& m) {
    const py::int_ no_padding(0);
    m.def("max_pool2d_forward", &max_pool2d_forward_binding, py::arg("x"), py::kw_only(),
          py::arg("kernel_size"), py::arg("stride") = py::none(), py::arg("padding") = no_padding);
    m.def("max_pool2d_backward", &max_pool2d_backward_binding, py::arg("dy"), py::arg("indices"),
          py::kw_only(), py::arg("input_size"));
    m.def("avg_pool2d_forward", &avg_pool2d_forward_binding, py::arg("x"), py::kw_only(),
          py::arg("kernel_size"), py::arg("stride") = py::none(), py::arg("padding") = no_padding);
    m.def("avg_pool2d_backward", &avg_pool2d_backward_binding, py::arg("dy"), py::kw_only(),
          py::arg("input_size"), py::arg("kernel_size"), py::arg("stride") = py::none(),
          py::arg("padding") = no_padding);
}

}  // namespace diglot
