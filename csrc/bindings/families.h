// Each family of kernels adds its functions to the module. module.cpp calls them in turn.
#pragma once

#include <pybind11/pybind11.h>

namespace diglot {

void bind_dense(pybind11::module_& m);
void bind_conv(pybind11::module_& m);
void bind_pool(pybind11::module_& m);
void bind_activations(pybind11::module_& m);
void bind_recurrent(pybind11::module_& m);
void bind_embedding(pybind11::module_& m);
void bind_dropout(pybind11::module_& m);
void bind_losses(pybind11::module_& m);
void bind_optim(pybind11::module_& m);
void bind_ladder(pybind11::module_& m);  // a submodule: its rungs are no kernels
void bind_peak(pybind11::module_& m);

}  // namespace diglot
