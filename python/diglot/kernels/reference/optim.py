"""One step of each optimizer. They change their arrays in place and return nothing."""

import numpy as np

from diglot._typing import Array


@np.errstate(all="ignore")
def sgd_inplace(param: Array, grad: Array, *, lr: float, weight_decay: float = 0.0) -> None:
    """Step against the gradient.

        g = grad + weight_decay * param
        param -= lr * g

    Args:
        param: parameters, any shape; changed.
        grad: their gradient, the shape of param.
        lr: learning rate.
        weight_decay: strength of the pull towards zero.

    Raises (native):
        ValueError: the shapes differ, or param overlaps grad.

    Book: chapter 3. Native: csrc/kernels/optim.cpp
    """
    g = grad + weight_decay * param
    param -= lr * g


@np.errstate(all="ignore")
def sgd_momentum_inplace(
    param: Array,
    grad: Array,
    velocity: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> None:
    """Step along a velocity that remembers earlier gradients.

        g = grad + weight_decay * param
        velocity = momentum * velocity + lr * g
        param -= velocity                             or, if nesterov,
        param -= momentum * velocity + lr * g

    Args:
        param: parameters, any shape; changed.
        grad: their gradient, the shape of param.
        velocity: the last step, zeros at first, the shape of param; changed.
        lr: learning rate.
        momentum: the share of the velocity that stays, 0 <= momentum < 1.
        nesterov: look ahead by one step of the velocity.
        weight_decay: strength of the pull towards zero.

    Raises (native):
        ValueError: the shapes differ, or two of the arrays overlap.

    Book: chapter 4. Source: Sutskever et al. 2013, "On the importance of initialization and
    momentum in deep learning". Native: csrc/kernels/optim.cpp
    """
    g = grad + weight_decay * param
    velocity[...] = momentum * velocity + lr * g
    param -= momentum * velocity + lr * g if nesterov else velocity


@np.errstate(all="ignore")
def adagrad_inplace(
    param: Array,
    grad: Array,
    sum_squares: Array,
    *,
    lr: float,
    eps: float = 1e-10,
    weight_decay: float = 0.0,
) -> None:
    """Step with a learning rate per parameter, smaller where gradients have been large.

        g = grad + weight_decay * param
        sum_squares += g²
        param -= lr * g / (sqrt(sum_squares) + eps)

    Args:
        param: parameters, any shape; changed.
        grad: their gradient, the shape of param.
        sum_squares: sum of all squared gradients, zeros at first, the shape of param; changed.
        lr: learning rate.
        eps: keeps the division from 0/0.
        weight_decay: strength of the pull towards zero.

    Raises (native):
        ValueError: the shapes differ, or two of the arrays overlap.

    Book: chapter 6 (erratum E14: it adds eps to the sum at every step). Source: Duchi, Hazan &
    Singer 2011, JMLR 12. Native: csrc/kernels/optim.cpp
    """
    g = grad + weight_decay * param
    sum_squares += g * g
    param -= lr * g / (np.sqrt(sum_squares) + eps)


@np.errstate(all="ignore")
def rmsprop_inplace(
    param: Array,
    grad: Array,
    mean_squares: Array,
    *,
    lr: float,
    decay: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Step like AdaGrad, but forget old gradients.

        g = grad + weight_decay * param
        mean_squares = decay * mean_squares + (1 - decay) * g²
        param -= lr * g / (sqrt(mean_squares) + eps)

    Args:
        param: parameters, any shape; changed.
        grad: their gradient, the shape of param.
        mean_squares: running mean of squared gradients, zeros at first, the shape of param;
            changed.
        lr: learning rate.
        decay: the share of the running mean that stays, 0 <= decay < 1.
        eps: keeps the division from 0/0.
        weight_decay: strength of the pull towards zero.

    Raises (native):
        ValueError: the shapes differ, or two of the arrays overlap.

    Source: Tieleman & Hinton 2012, Coursera lecture 6.5. Native: csrc/kernels/optim.cpp
    """
    g = grad + weight_decay * param
    mean_squares[...] = decay * mean_squares + (1 - decay) * g * g
    param -= lr * g / (np.sqrt(mean_squares) + eps)


@np.errstate(all="ignore")
def adam_inplace(
    param: Array,
    grad: Array,
    mean: Array,
    mean_squares: Array,
    *,
    step: int,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> None:
    """Step along the running mean of the gradient, scaled by the root of its running mean square.

        g = grad + weight_decay * param               (decoupled: g = grad, and first
        mean = beta1 * mean + (1 - beta1) * g          param -= lr * weight_decay * param)
        mean_squares = beta2 * mean_squares + (1 - beta2) * g²
        m = mean / (1 - beta1**step),    s = mean_squares / (1 - beta2**step)
        param -= lr * m / (sqrt(s) + eps)

    The two divisions correct running means that began at zero. `decoupled` is AdamW.

    Args:
        param: parameters, any shape; changed.
        grad: their gradient, the shape of param.
        mean: running mean of gradients, zeros at first, the shape of param; changed.
        mean_squares: running mean of squared gradients, likewise; changed.
        step: number of this step, from 1.
        lr: learning rate.
        beta1, beta2: the shares of the running means that stay, 0 <= beta < 1.
        eps: keeps the division from 0/0.
        weight_decay: strength of the pull towards zero.
        decoupled: keep the pull out of the running means (AdamW).

    Raises (native):
        ValueError: the shapes differ, two of the arrays overlap, or step is below 1.

    Source: Kingma & Ba 2014, arXiv:1412.6980; Loshchilov & Hutter 2017, arXiv:1711.05101.
    Native: csrc/kernels/optim.cpp
    """
    if decoupled:
        param -= lr * weight_decay * param
        g = grad
    else:
        g = grad + weight_decay * param
    mean[...] = beta1 * mean + (1 - beta1) * g
    mean_squares[...] = beta2 * mean_squares + (1 - beta2) * g * g
    m = mean / (1 - beta1**step)
    s = mean_squares / (1 - beta2**step)
    param -= lr * m / (np.sqrt(s) + eps)
