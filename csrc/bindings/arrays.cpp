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

constexpr char swapped_byteorder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<';

// The description of the elements, borrowed: py::array::dtype() makes a new reference.
const auto& description(const py::array& array) {
    return *py::detail::array_descriptor_proxy(py::detail::array_proxy(array.ptr())->descr);
}

std::string dtype_text(const py::array& array) { return py::str(array.dtype()); }

void require_rank(const py::array& array, const char* name, int rank) {
    DIGLOT_REQUIRE(rank < 0 || array.ndim() == rank,
                   std::string(name) + " has shape " + shape_text(array) + ", expected " +
                       std::to_string(rank) + (rank == 1 ? " axis" : " axes"));
}

}  // namespace

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

py::array require_array(const py::handle& argument, const char* name, int rank) {
    py::array array = require_plain_array(argument, name);
    const int type = description(array).type_num;
    DIGLOT_REQUIRE(
        type == type_number<float> || type == type_number<double>,
        std::string(name) + " has dtype " + dtype_text(array) + ", expected float32 or float64");
    require_rank(array, name, rank);
    return array;
}

bool is_float32(const py::array& array) {
    return description(array).type_num == type_number<float>;
}

bool is_contiguous(const py::array& array, int type_number) {
    constexpr int needed = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    return (array.flags() & needed) == needed &&
           description(array).byteorder != swapped_byteorder &&
           description(array).type_num == type_number;
}

void require_same_dtype(const py::array& array, const char* name, const py::array& first,
                        const char* first_name) {
    DIGLOT_REQUIRE(is_float32(array) == is_float32(first),
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
    const auto what = [&] { return std::string(name) + " is written in place, so it must be "; };
    DIGLOT_REQUIRE(array.writeable(), what() + "writeable");
    DIGLOT_REQUIRE((array.flags() & py::array::c_style) != 0, what() + "C-contiguous");
    DIGLOT_REQUIRE(description(array).byteorder != swapped_byteorder,
                   what() + "in native byte order");
    const std::uintptr_t item = is_float32(array) ? sizeof(float) : sizeof(double);
    DIGLOT_REQUIRE(reinterpret_cast<std::uintptr_t>(array.data()) % item == 0, what() + "aligned");
}

void require_no_overlap(const py::array& a, const char* a_name, const py::array& b,
                        const char* b_name) {
    const auto overlap = [&] {
        const auto *a_begin = static_cast<const char*>(a.data()), *a_end = a_begin + a.nbytes();
        const auto *b_begin = static_cast<const char*>(b.data()), *b_end = b_begin + b.nbytes();
        const bool dense = (a.flags() & b.flags() & py::array::c_style) != 0;
        if (dense) return std::less<>()(a_begin, b_end) && std::less<>()(b_begin, a_end);
        return py::module_::import("numpy").attr("may_share_memory")(a, b).cast<bool>();
    };
    DIGLOT_REQUIRE(!overlap(),
                   std::string(a_name) + " and " + b_name + " overlap in memory; copy one first");
}

// What an array's memory belongs to: when the last view of it dies, the block is given back.
static py::object owner_of(void* data, Index bytes) {
    PyObject* const capsule = PyCapsule_New(data, nullptr, [](PyObject* dying) {
        give_back_block(PyCapsule_GetPointer(dying, nullptr),
                        reinterpret_cast<Index>(PyCapsule_GetContext(dying)));
    });
    if (capsule == nullptr) {
        give_back_block(data, bytes);
        throw py::error_already_set();
    }
    PyCapsule_SetContext(capsule, reinterpret_cast<void*>(bytes));
    return py::reinterpret_steal<py::object>(capsule);
}

py::array new_array(int type_number, Index item_size, const Index* shape, Index rank) {
    Index bytes = item_size;
    for (Index axis = 0; axis < rank; ++axis) bytes = checked_product(bytes, shape[axis]);
    const auto& numpy = py::detail::npy_api::get();
    const auto make = [&](void* data, int flags) {
        PyObject* const made = numpy.PyArray_NewFromDescr_(
            numpy.PyArray_Type_, numpy.PyArray_DescrFromType_(type_number), static_cast<int>(rank),
            shape, nullptr, data, flags, nullptr);
        if (!made) throw py::error_already_set();
        return py::reinterpret_steal<py::array>(made);
    };
    if (bytes < smallest_block) return make(nullptr, 0);
    void* const data = take_block(bytes);
    py::object owner = owner_of(data, bytes);
    py::array array = make(data, py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_ |
                                     py::detail::npy_api::NPY_ARRAY_WRITEABLE_);
    if (numpy.PyArray_SetBaseObject_(array.ptr(), owner.release().ptr()) != 0)
        throw py::error_already_set();
    return array;
}

template <class Int>
py::array_t<Int> require_indices(const py::handle& argument, const char* name, int rank,
                                 Index limit) {
    const py::array array = require_plain_array(argument, name);
    const char kind = description(array).kind;
    DIGLOT_REQUIRE(kind == 'i' || kind == 'u',
                   std::string(name) + " has dtype " + dtype_text(array) + ", expected integers");
    require_rank(array, name, rank);
    // As 64-bit integers first: a narrower type could turn a wrong value into a right one.
    const auto wide = contiguous<std::int64_t>(array);
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

namespace {

bool is_sequence(const py::handle& argument) {
    return py::isinstance<py::tuple>(argument) || py::isinstance<py::list>(argument);
}

}  // namespace

Pair require_size(const py::handle& argument, const char* name) {
    DIGLOT_REQUIRE(is_sequence(argument), std::string(name) + " is " +
                                              std::string(py::repr(argument)) +
                                              ", expected a pair of ints (height, width)");
    return require_pair(argument, name, 0);
}

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
    if (!is_sequence(argument)) {
        const Index both = one(argument);
        return {both, both};
    }
    const auto pair = py::reinterpret_borrow<py::sequence>(argument);
    DIGLOT_REQUIRE(pair.size() == 2, std::string(name) + " has " + std::to_string(pair.size()) +
                                         " numbers, expected one or two (height, width)");
    return {one(pair[0]), one(pair[1])};
}

}  // namespace diglot
