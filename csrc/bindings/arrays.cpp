#include "bindings/arrays.h"

namespace diglot {

Index checked_product(Index a, Index b) {
    Index product;
    DIGLOT_REQUIRE(
        !__builtin_mul_overflow(a, b, &product),
        "an array of this shape would not fit into memory: the product of its sizes overflows");
    return product;
}

std::string shape_text(const std::vector<Index>& shape) {
    std::string text = "(";
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
        text += (axis ? ", " : "") + std::to_string(shape[axis]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

std::string shape_text(const py::array& array) {
    return shape_text(std::vector<Index>(array.shape(), array.shape() + array.ndim()));
}

void fail(const std::string& message) { throw py::value_error(message); }

namespace {

std::string dtype_text(const py::array& array) { return py::str(array.dtype()); }

// A subclass may change what elements mean: a masked array's mask would be ignored silently.
py::array require_plain_array(const py::handle& argument, const char* name) {
    const auto* const ndarray =
        reinterpret_cast<PyTypeObject*>(py::detail::npy_api::get().PyArray_Type_);
    if (!py::isinstance<py::array>(argument))
        throw py::type_error(std::string(name) + " is a " +
                             std::string(py::str(py::type::of(argument).attr("__name__"))) +
                             "; expected a NumPy array");
    DIGLOT_REQUIRE(Py_TYPE(argument.ptr()) == ndarray || !py::hasattr(argument, "mask"),
                   std::string(name) + " is a masked array; fill it first, e.g. with .filled(0)");
    return py::reinterpret_borrow<py::array>(argument);
}

void require_rank(const py::array& array, const char* name, int rank) {
    DIGLOT_REQUIRE(rank < 0 || array.ndim() == rank,
                   std::string(name) + " has shape " + shape_text(array) + ", expected " +
                       std::to_string(rank) + (rank == 1 ? " axis" : " axes"));
}

}  // namespace

py::array require_array(const py::handle& argument, const char* name, int rank) {
    py::array array = require_plain_array(argument, name);
    const bool real =
        array.dtype().kind() == 'f' && (array.itemsize() == 4 || array.itemsize() == 8);
    DIGLOT_REQUIRE(real, std::string(name) + " has dtype " + dtype_text(array) +
                             ", expected float32 or float64");
    require_rank(array, name, rank);
    return array;
}

bool is_float32(const py::array& array) { return array.itemsize() == 4; }

void require_same_dtype(const py::array& array, const char* name, const py::array& first,
                        const char* first_name) {
    DIGLOT_REQUIRE(array.itemsize() == first.itemsize(),
                   std::string(name) + " has dtype " + dtype_text(array) + ", expected that of " +
                       first_name + ", " + dtype_text(first));
}

void require_same_shape(const py::array& array, const char* name, const py::array& first,
                        const char* first_name) {
    const bool same = array.ndim() == first.ndim() &&
                      std::equal(array.shape(), array.shape() + array.ndim(), first.shape());
    DIGLOT_REQUIRE(same, std::string(name) + " has shape " + shape_text(array) +
                             ", expected that of " + first_name + ", " + shape_text(first));
}

void require_writable_in_place(const py::array& array, const char* name) {
    const std::string what = std::string(name) + " is written in place, so it must be ";
    DIGLOT_REQUIRE(array.writeable(), what + "writeable");
    DIGLOT_REQUIRE((array.flags() & py::array::c_style) != 0, what + "C-contiguous");
    DIGLOT_REQUIRE(array.dtype().byteorder() == '=', what + "in native byte order");
    DIGLOT_REQUIRE(reinterpret_cast<std::uintptr_t>(array.data()) % array.itemsize() == 0,
                   what + "aligned");
}

void require_no_overlap(const py::array& a, const char* a_name, const py::array& b,
                        const char* b_name) {
    const bool overlap = py::module_::import("numpy").attr("may_share_memory")(a, b).cast<bool>();
    DIGLOT_REQUIRE(!overlap,
                   std::string(a_name) + " and " + b_name + " overlap in memory; copy one first");
}

template <class Int>
py::array_t<Int> require_indices(const py::handle& argument, const char* name, int rank,
                                 Index limit) {
    const py::array array = require_plain_array(argument, name);
    const char kind = array.dtype().kind();
    DIGLOT_REQUIRE(kind == 'i' || kind == 'u',
                   std::string(name) + " has dtype " + dtype_text(array) + ", expected integers");
    require_rank(array, name, rank);
    // As 64-bit integers first: a narrower type could turn a wrong value into a right one.
    const Contiguous<std::int64_t> wide(static_cast<const py::object&>(array));
    py::array_t<Int> indices = allocate_like<Int>(array);
    const std::int64_t* from = wide.data();
    Int* to = indices.mutable_data();
    bool inside = true;
    for (Index i = 0; i < wide.size(); ++i) {
        const std::int64_t value = from[i];
        inside &= value >= 0 && value < limit;
        to[i] = static_cast<Int>(value);
    }
    for (Index i = 0; !inside && i < wide.size(); ++i)
        DIGLOT_REQUIRE(from[i] >= 0 && from[i] < limit,
                       std::string(name) + " holds " + std::to_string(from[i]) + " (element " +
                           std::to_string(i) + "), expected 0 <= " + name + " < " +
                           std::to_string(limit));
    DIGLOT_REQUIRE(inside, std::string(name) + " was changed by another thread");
    return indices;
}

template py::array_t<std::int32_t> require_indices(const py::handle&, const char*, int, Index);
template py::array_t<std::int64_t> require_indices(const py::handle&, const char*, int, Index);

Pair require_pair(const py::handle& argument, const char* name, Index least) {
    const auto one = [&](const py::handle& value) {
        constexpr Index most = 0x7fffffff;
        if (py::isinstance<py::bool_>(value) || !PyIndex_Check(value.ptr()))
            fail(std::string(name) + " is " + std::string(py::repr(argument)) +
                 ", expected an int or a pair of ints (height, width)");
        const Index number = PyNumber_AsSsize_t(value.ptr(), nullptr);  // clips what is too large
        if (PyErr_Occurred()) {  // an array of several numbers claims to be an index, and is none
            PyErr_Clear();
            fail(std::string(name) + " is not an int or a pair of ints (height, width)");
        }
        DIGLOT_REQUIRE(number >= least && number <= most,
                       std::string(name) + " is " + std::string(py::repr(argument)) +
                           ", expected at least " + std::to_string(least) + " and at most " +
                           std::to_string(most));
        return number;
    };
    if (!py::isinstance<py::tuple>(argument) && !py::isinstance<py::list>(argument)) {
        const Index both = one(argument);
        return {both, both};
    }
    const auto pair = py::reinterpret_borrow<py::sequence>(argument);
    DIGLOT_REQUIRE(pair.size() == 2, std::string(name) + " has " + std::to_string(pair.size()) +
                                         " numbers, expected one or two (height, width)");
    return {one(pair[0]), one(pair[1])};
}

}  // namespace diglot
