// From Python's arrays to views and back. A binding has one shape:
//
//     unwrap -> require -> allocate -> { release the GIL; kernel(...); } -> return
//
// What it requires is what memory safety needs: dtype, rank, agreeing sizes, products of sizes that
// fit, no overlap of what is written with what is read. Everything wrong is a ValueError (a
// TypeError where the argument is no array at all), which says what came and what was expected.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/buffers.h"
#include "bindings/without_gil.h"
#include "kernels/parallel.h"
#include "kernels/view.h"

namespace diglot {

namespace py = pybind11;

// The product of two sizes, or a ValueError where it does not fit.
Index checked_product(Index a, Index b);

std::string shape_text(const py::array& array);
std::string shape_text(const std::vector<Index>& shape);

[[noreturn]] void fail(const std::string& message);

// A macro, so that the message is put together only where it is needed.
#define DIGLOT_REQUIRE(condition, message)                                                         \
    do {                                                                                           \
        if (!(condition)) fail(message);                                                           \
    } while (false)

// The argument as a NumPy array, and none with a mask, which would be ignored silently.
py::array require_plain_array(const py::handle& argument, const char* name);

// The argument as a NumPy array of a supported floating type and of this rank (any if negative).
py::array require_array(const py::handle& argument, const char* name, int rank);

bool is_float32(const py::array& array);
void require_same_dtype(const py::array& array, const char* name, const py::array& first,
                        const char* first_name);
void require_same_shape(const py::array& array, const char* name, const py::array& first,
                        const char* first_name);

// An array that a kernel writes into: its memory is used as it is, so it must be usable.
void require_writable_in_place(const py::array& array, const char* name);
void require_no_overlap(const py::array& a, const char* a_name, const py::array& b,
                        const char* b_name);

// A copy of integers of any type as contiguous ones of type Int (std::int32_t or std::int64_t), each
// checked to lie in [0, limit); limit fits Int. It is a copy because another Python thread may write
// into the argument while a kernel reads.
template <class Int>
py::array_t<Int> require_indices(const py::handle& argument, const char* name, int rank,
                                 Index limit);

// A contiguous, aligned array of T in native byte order: the same one, or a copy if need be.
template <class T>
using Contiguous = py::array_t<T, py::array::c_style | py::array::forcecast |
                                      py::detail::npy_api::NPY_ARRAY_ALIGNED_>;

template <class T>
inline constexpr int type_number = py::detail::npy_format_descriptor<T>::value;

// Whether its memory can be used as it is. NumPy knows, too, but takes longer to say so.
bool is_contiguous(const py::array& array, int type_number);

template <class T>
Contiguous<T> contiguous(const py::array& array) {
    if (is_contiguous(array, type_number<T>)) return py::reinterpret_borrow<Contiguous<T>>(array);
    return Contiguous<T>(static_cast<const py::object&>(array));
}

template <class T, int Rank>
View<const T, Rank> view(const py::array& array) {
    View<const T, Rank> v{static_cast<const T*>(array.data()), {}};
    for (int axis = 0; axis < Rank; ++axis) v.shape[axis] = array.shape(axis);
    return v;
}

// The same elements as one row.
template <class T>
View<const T, 1> flat(const py::array& array) {
    return {static_cast<const T*>(array.data()), {array.size()}};
}

template <class T>
View<T, 1> mutable_flat(py::array& array) {
    return {static_cast<T*>(array.mutable_data()), {array.size()}};
}

template <class T, int Rank>
View<T, Rank> mutable_view(py::array_t<T>& array) {
    View<T, Rank> v{array.mutable_data(), {}};
    for (int axis = 0; axis < Rank; ++axis) v.shape[axis] = array.shape(axis);
    return v;
}

// A new array, not initialised: NumPy's own memory, or a block of buffers.h if it is large.
py::array new_array(int type_number, Index item_size, const Index* shape, Index rank);

template <class T>
py::array_t<T> allocate(const Index* shape, Index rank) {
    return py::reinterpret_steal<py::array_t<T>>(
        new_array(type_number<T>, sizeof(T), shape, rank).release());
}

template <class T>
py::array_t<T> allocate(const std::vector<Index>& shape) {
    return allocate<T>(shape.data(), static_cast<Index>(shape.size()));
}

template <class T>
py::array_t<T> allocate_like(const py::array& array) {
    return allocate<T>(array.shape(), array.ndim());
}

// Memory for a kernel's packing, on a cache line's boundary, given back at the end of the binding.
template <class T>
class Scratch {
  public:
    explicit Scratch(Index count) : block_(checked_product(count, sizeof(T))) {}
    T* data() const { return static_cast<T*>(block_.data()); }

  private:
    ScratchBlock block_;
};

// An int or a pair (height, width), each within [least, 2^31).
Pair require_pair(const py::handle& argument, const char* name, Index least);

// The size of an image, (height, width); one number is none.
Pair require_size(const py::handle& argument, const char* name);

// Runs `body` with a value of the array's element type: dispatch(x, [&](auto zero) { using T = ...
template <class Body>
auto dispatch(const py::array& array, Body&& body) {
    return is_float32(array) ? body(float{}) : body(double{});
}

}  // namespace diglot
