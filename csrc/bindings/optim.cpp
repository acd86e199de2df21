#include "kernels/optim.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

// A parameter, its gradient and the optimizer's state, checked together: the first and the states
// are written in place, so they must be plain memory, and none may overlap another.
class Step {
  public:
    Step(const py::object& param, const py::object& grad) {
        arrays_.reserve(4);
        names_.reserve(4);
        add(param, "param", true);
        add(grad, "grad", false);
    }

    Step& state(const py::object& argument, const char* name) {
        add(argument, name, true);
        return *this;
    }

    // kernel(views): views.param, views.grad, views.state(i)
    template <class Kernel>
    void run(Kernel kernel) {
        require_separate();
        dispatch(arrays_[0], [&](auto zero) {
            using T = decltype(zero);
            const auto grad = contiguous<T>(arrays_[1]);
            const View<const T, 1> grad_view = flat<T>(grad);
            std::vector<View<T, 1>> written;
            for (std::size_t i = 0; i < arrays_.size(); ++i)
                if (i != 1) written.push_back(mutable_flat<T>(arrays_[i]));
            WithoutGil nogil;
            kernel(written, grad_view);
            return 0;
        });
    }

  private:
    void add(const py::object& argument, const char* name, bool written) {
        py::array array = require_array(argument, name, -1);
        if (written) require_writable_in_place(array, name);
        if (!arrays_.empty()) {
            require_same_dtype(array, name, arrays_[0], "param");
            require_same_shape(array, name, arrays_[0], "param");
        }
        arrays_.push_back(std::move(array));
        names_.push_back(name);
    }

    void require_separate() const {
        for (std::size_t i = 0; i < arrays_.size(); ++i)
            for (std::size_t j = i + 1; j < arrays_.size(); ++j)
                require_no_overlap(arrays_[i], names_[i], arrays_[j], names_[j]);
    }

    std::vector<py::array> arrays_;
    std::vector<const char*> names_;
};

}  // namespace

void bind_optim(py::module_& m) {
    using py::arg, py::object;
    m.def(
        "sgd_inplace",
        [](const object& param, const object& grad, double lr, double weight_decay) {
            Step(param, grad).run([&](auto& written, auto g) {
                sgd_inplace(written[0], g, lr, weight_decay);
            });
        },
        arg("param"), arg("grad"), py::kw_only(), arg("lr"), arg("weight_decay") = 0.0);
    m.def(
        "sgd_momentum_inplace",
        [](const object& param, const object& grad, const object& velocity, double lr,
           double momentum, bool nesterov, double weight_decay) {
            Step(param, grad).state(velocity, "velocity").run([&](auto& written, auto g) {
                sgd_momentum_inplace(written[0], g, written[1], lr, momentum, nesterov,
                                     weight_decay);
            });
        },
        arg("param"), arg("grad"), arg("velocity"), py::kw_only(), arg("lr"), arg("momentum"),
        arg("nesterov") = false, arg("weight_decay") = 0.0);
    m.def(
        "adagrad_inplace",
        [](const object& param, const object& grad, const object& sum_squares, double lr,
           double eps, double weight_decay) {
            Step(param, grad).state(sum_squares, "sum_squares").run([&](auto& written, auto g) {
                adagrad_inplace(written[0], g, written[1], lr, eps, weight_decay);
            });
        },
        arg("param"), arg("grad"), arg("sum_squares"), py::kw_only(), arg("lr"), arg("eps") = 1e-10,
        arg("weight_decay") = 0.0);
    m.def(
        "rmsprop_inplace",
        [](const object& param, const object& grad, const object& mean_squares, double lr,
           double decay, double eps, double weight_decay) {
            Step(param, grad).state(mean_squares, "mean_squares").run([&](auto& written, auto g) {
                rmsprop_inplace(written[0], g, written[1], lr, decay, eps, weight_decay);
            });
        },
        arg("param"), arg("grad"), arg("mean_squares"), py::kw_only(), arg("lr"),
        arg("decay") = 0.99, arg("eps") = 1e-8, arg("weight_decay") = 0.0);
    m.def(
        "adam_inplace",
        [](const object& param, const object& grad, const object& mean, const object& mean_squares,
           Index step, double lr, double beta1, double beta2, double eps, double weight_decay,
           bool decoupled) {
            DIGLOT_REQUIRE(step >= 1, "step is " + std::to_string(step) + ", expected at least 1");
            const AdamSettings settings{lr, beta1, beta2, eps, weight_decay, decoupled, step};
            Step(param, grad)
                .state(mean, "mean")
                .state(mean_squares, "mean_squares")
                .run([&](auto& written, auto g) {
                    adam_inplace(written[0], g, written[1], written[2], settings);
                });
        },
        arg("param"), arg("grad"), arg("mean"), arg("mean_squares"), py::kw_only(),
        arg("step").noconvert(), arg("lr"), arg("beta1") = 0.9, arg("beta2") = 0.999,
        arg("eps") = 1e-8, arg("weight_decay") = 0.0, arg("decoupled") = false);
}

}  // namespace diglot
