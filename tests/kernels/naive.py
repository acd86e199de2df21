"""The book's way: one scalar at a time, in loops that can be checked by eye against the formulas.

They are slow and they are right; the reference kernels are compared with them.
"""

import math

import numpy as np


def matmul(a, b):
    M, K = a.shape
    N = b.shape[1]
    y = np.zeros((M, N))
    for m in range(M):
        for n in range(N):
            for k in range(K):
                y[m, n] += a[m, k] * b[k, n]
    return y


def taps(C, H, W, OC, KH, KW, OH, OW, stride, padding, dilation, groups):
    """Yield every (o, i, j, channel, h, w, c, u, v) where a filter meets a pixel of the image."""
    for o in range(OC):
        group = o // (OC // groups)
        for i in range(OH):
            for j in range(OW):
                for c in range(C // groups):
                    for u in range(KH):
                        for v in range(KW):
                            h = i * stride[0] + u * dilation[0] - padding[0]
                            w = j * stride[1] + v * dilation[1] - padding[1]
                            if 0 <= h < H and 0 <= w < W:
                                yield o, i, j, group * (C // groups) + c, h, w, c, u, v


def output_size(H, W, KH, KW, stride, padding, dilation=(1, 1)):
    OH = (H + 2 * padding[0] - dilation[0] * (KH - 1) - 1) // stride[0] + 1
    OW = (W + 2 * padding[1] - dilation[1] * (KW - 1) - 1) // stride[1] + 1
    return OH, OW


def conv2d(x, w, b, dy, stride, padding, dilation, groups):
    """Return y, dx, dw and db."""
    N, C, H, W = x.shape
    OC, _, KH, KW = w.shape
    OH, OW = output_size(H, W, KH, KW, stride, padding, dilation)
    y = np.zeros((N, OC, OH, OW))
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(OC)
    for n in range(N):
        for o, i, j, channel, h, ww, c, u, v in taps(
            C, H, W, OC, KH, KW, OH, OW, stride, padding, dilation, groups
        ):
            y[n, o, i, j] += x[n, channel, h, ww] * w[o, c, u, v]
            dx[n, channel, h, ww] += dy[n, o, i, j] * w[o, c, u, v]
            dw[o, c, u, v] += dy[n, o, i, j] * x[n, channel, h, ww]
        for o in range(OC):
            for i in range(OH):
                for j in range(OW):
                    y[n, o, i, j] += b[o]
                    db[o] += dy[n, o, i, j]
    return y, dx, dw, db


def max_pool2d(x, dy, kernel_size, stride, padding):
    """Return y, the winners' places and dx; the first of equal pixels wins, and NaN beats all."""
    N, C, H, W = x.shape
    OH, OW = output_size(H, W, *kernel_size, stride, padding)
    y, indices = np.zeros((N, C, OH, OW)), np.zeros((N, C, OH, OW), int)
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(N, C, OH, OW):
        best, place = None, None
        for u, v in np.ndindex(*kernel_size):
            h, w = i * stride[0] + u - padding[0], j * stride[1] + v - padding[1]
            if not (0 <= h < H and 0 <= w < W):
                continue
            value = x[n, c, h, w]
            if best is None or value > best or (math.isnan(value) and not math.isnan(best)):
                best, place = value, (h, w)
        y[n, c, i, j] = best
        indices[n, c, i, j] = place[0] * W + place[1]
        dx[n, c, *place] += dy[n, c, i, j]
    return y, indices, dx


def avg_pool2d(x, dy, kernel_size, stride, padding):
    """Return y and dx."""
    N, C, H, W = x.shape
    OH, OW = output_size(H, W, *kernel_size, stride, padding)
    y, dx = np.zeros((N, C, OH, OW)), np.zeros_like(x)
    count = kernel_size[0] * kernel_size[1]
    for n, c, i, j in np.ndindex(N, C, OH, OW):
        for u, v in np.ndindex(*kernel_size):
            h, w = i * stride[0] + u - padding[0], j * stride[1] + v - padding[1]
            if 0 <= h < H and 0 <= w < W:
                y[n, c, i, j] += x[n, c, h, w] / count
                dx[n, c, h, w] += dy[n, c, i, j] / count
    return y, dx


def softmax(row):
    total = sum(math.exp(value) for value in row)
    return [math.exp(value) / total for value in row]


def cross_entropy(logits, labels):
    losses = [-math.log(softmax(row)[label]) for row, label in zip(logits, labels, strict=True)]
    return sum(losses) / len(losses)


def philox_word(seed, index):
    """Give random word number `index`: Philox4x32-10 in plain integers."""
    block = index // 4
    c = [block & 0xFFFFFFFF, block >> 32, 0, 0]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ key[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ key[1], a & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c[index % 4]


def sgd(param, grad, lr, weight_decay=0.0):
    return {"param": param - lr * (grad + weight_decay * param)}


def sgd_momentum(param, grad, velocity, lr, momentum, nesterov=False, weight_decay=0.0):
    g = grad + weight_decay * param
    velocity = momentum * velocity + lr * g
    step = momentum * velocity + lr * g if nesterov else velocity
    return {"param": param - step, "velocity": velocity}


def adagrad(param, grad, sum_squares, lr, eps=1e-10, weight_decay=0.0):
    g = grad + weight_decay * param
    sum_squares += g**2
    return {"param": param - lr * g / (math.sqrt(sum_squares) + eps), "sum_squares": sum_squares}


def rmsprop(param, grad, mean_squares, lr, decay=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * param
    mean_squares = decay * mean_squares + (1 - decay) * g**2
    return {"param": param - lr * g / (math.sqrt(mean_squares) + eps), "mean_squares": mean_squares}


def adam(
    param, grad, mean, mean_squares, step, lr, beta1=0.9, beta2=0.999, eps=1e-8,
    weight_decay=0.0, decoupled=False,
):  # fmt: skip
    if decoupled:
        param -= lr * weight_decay * param
        g = grad
    else:
        g = grad + weight_decay * param
    mean = beta1 * mean + (1 - beta1) * g
    mean_squares = beta2 * mean_squares + (1 - beta2) * g**2
    m, s = mean / (1 - beta1**step), mean_squares / (1 - beta2**step)
    param -= lr * m / (math.sqrt(s) + eps)
    return {"param": param, "mean": mean, "mean_squares": mean_squares}


OPTIMIZERS = {
    "sgd_inplace": sgd,
    "sgd_momentum_inplace": sgd_momentum,
    "adagrad_inplace": adagrad,
    "rmsprop_inplace": rmsprop,
    "adam_inplace": adam,
}
"""Each takes scalars and returns the changed ones by name."""


# ---- recurrent networks: the states (h, c) of a row's units after one step -----------------------


def weighed(x, h, a, j):
    """Sum what reaches column j from the input, and from the state."""
    from_x = sum(x[d] * a["w_x"][d, j] for d in range(len(x)))
    return from_x, sum(h[k] * a["w_h"][k, j] for k in range(len(h)))


def logistic(z):
    return 1 / (1 + math.exp(-z))


def rnn_step(x, state, a):
    h = [unit[0] for unit in state]
    z = [sum(weighed(x, h, a, j)) + a["b"][j] for j in range(len(h))]
    relu = a.get("activation") == "relu"
    return [(max(v, 0.0) if relu else math.tanh(v), 0.0) for v in z]


def gru_step(x, state, a):
    h, H = [unit[0] for unit in state], len(state)

    def gate(j):
        return logistic(sum(weighed(x, h, a, j)) + a["b_x"][j] + a["b_h"][j])

    r, z = [gate(j) for j in range(H)], [gate(H + j) for j in range(H)]
    after = a.get("reset_after", True)
    result = []
    for j in range(H):
        read = h if after else [r[k] * h[k] for k in range(H)]
        from_x, from_h = weighed(x, read, a, 2 * H + j)
        from_h += a["b_h"][2 * H + j]
        n = math.tanh(from_x + a["b_x"][2 * H + j] + (r[j] * from_h if after else from_h))
        result.append(((1 - z[j]) * n + z[j] * h[j], 0.0))
    return result


def lstm_step(x, state, a):
    h, H = [unit[0] for unit in state], len(state)
    result = []
    for j in range(H):
        i, f, g, o = (sum(weighed(x, h, a, k * H + j)) + a["b"][k * H + j] for k in range(4))
        c = logistic(f) * state[j][1] + logistic(i) * math.tanh(g)
        result.append((logistic(o) * math.tanh(c), c))
    return result


RECURRENT_STEPS = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}
