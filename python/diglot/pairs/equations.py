r"""The kernels' equations in LaTeX; the docstrings of the reference have them as plain text.

Elements have subscripts (x_{n,c,h,w}), whole arrays have none. A product of arrays that is written
without a sign is one of matrices, \odot multiplies element by element. Where the plain text has
names, the symbols are the literature's: \eta is lr, \lambda weight_decay, \mu momentum, \epsilon
eps, \theta param, g its gradient; s and p are stride and padding, d is dilation.
"""

from collections.abc import Mapping

__all__ = ["EQUATIONS"]


def _lines(*lines: str) -> str:
    """Put equations below each other, their signs (after an `&`) aligned."""
    return r"\begin{align*} " + r" \\ ".join(lines) + r" \end{align*}"


_PIXEL = "i s + u d - p,\\, j s + v d - p"
_POOLED = "i s + u - p,\\, j s + v - p"
_GRADIENT = r"g &= \nabla_\theta L + \lambda \theta"
_SLOPE = r"\begin{cases} %s & y > 0 \\ %s & \text{otherwise} \end{cases}"

EQUATIONS: Mapping[str, str] = {
    # ---- dense ----
    "matmul": r"y_{m,n} = \sum_k a_{m,k} \, b_{k,n}",
    "dense_forward": r"y_{n,j} = b_j + \sum_i x_{n,i} \, w_{i,j}",
    "dense_backward_weight": _lines(
        r"dw_{i,j} &= \sum_n x_{n,i} \, dy_{n,j}",
        r"db_j &= \sum_n dy_{n,j}",
    ),
    # ---- convolution ----
    "conv2d_forward": r"y_{n,o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v}"
    rf" \, x_{{n,c,\,{_PIXEL}}}",
    "conv2d_backward_input": rf"dx_{{n,c,\,{_PIXEL}}} \text{{ += }} "
    r"\sum_o w_{o,c,u,v} \, dy_{n,o,i,j} \quad \text{for every } i, j, u, v",
    "conv2d_backward_weight": _lines(
        rf"dw_{{o,c,u,v}} &= \sum_{{n,i,j}} dy_{{n,o,i,j}} \, x_{{n,c,\,{_PIXEL}}}",
        r"db_o &= \sum_{n,i,j} dy_{n,o,i,j}",
    ),
    # ---- pooling ----
    "max_pool2d_forward": rf"y_{{n,c,i,j}} = \max_{{u,v}} \, x_{{n,c,\,{_POOLED}}}",
    "max_pool2d_backward": r"dx_{n,c,\,\mathrm{indices}_{n,c,i,j}} \text{ += } dy_{n,c,i,j}"
    r" \quad \text{for every } i, j",
    "avg_pool2d_forward": r"y_{n,c,i,j} = \frac{1}{KH \cdot KW} \sum_{u,v}"
    rf" x_{{n,c,\,{_POOLED}}}",
    "avg_pool2d_backward": rf"dx_{{n,c,\,{_POOLED}}} \text{{ += }} "
    r"\frac{dy_{n,c,i,j}}{KH \cdot KW} \quad \text{for every } i, j, u, v",
    # ---- activations ----
    "sigmoid_forward": r"y = \frac{1}{1 + e^{-x}}",
    "sigmoid_backward": r"dx = dy \odot y \odot (1 - y)",
    "tanh_forward": r"y = \tanh x = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
    "tanh_backward": r"dx = dy \odot (1 - y^2)",
    "relu_forward": r"y = \max(x, 0)",
    "relu_backward": "dx = " + _SLOPE % ("dy", "0"),
    "leaky_relu_forward": r"y = \begin{cases} x & x > 0 \\ \alpha x & \text{otherwise} \end{cases}"
    r" \qquad \alpha = \mathrm{negative\_slope}",
    "leaky_relu_backward": "dx = "
    + _SLOPE % ("dy", r"\alpha \, dy")
    + r" \qquad \alpha = \mathrm{negative\_slope}",
    "gelu_forward": r"y = x \, \Phi(x) = \frac{x}{2} \,"
    r" \mathrm{erfc}\left( -\frac{x}{\sqrt{2}} \right)",
    "gelu_backward": r"dx = dy \odot (\Phi(x) + x \, \varphi(x)), \qquad"
    r" \varphi(x) = \frac{e^{-x^2/2}}{\sqrt{2 \pi}}",
    "softmax_forward": r"y_k = \frac{e^{x_k - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j",
    "softmax_backward": r"dx_k = y_k \left( dy_k - \sum_j dy_j \, y_j \right)",
    # ---- dropout, losses, embeddings ----
    "dropout_forward": r"y = \frac{x \odot \mathrm{mask}}{1 - \mathrm{rate}}, \qquad"
    r" \mathrm{mask}_i = \begin{cases} 1 & \mathrm{word}_i \ge \lfloor 2^{32} \,"
    r" \mathrm{rate} \rfloor \\ 0 & \text{otherwise} \end{cases}",
    "dropout_backward": r"dx = \frac{dy \odot \mathrm{mask}}{1 - \mathrm{rate}}",
    "softmax_cross_entropy_forward": _lines(
        r"p_{n,k} &= \frac{e^{z_{n,k}}}{\sum_j e^{z_{n,j}}}, \qquad"
        r" z_{n,k} = \mathrm{logits}_{n,k} - \max_j \mathrm{logits}_{n,j}",
        r"\mathrm{loss} &= -\frac{1}{N} \sum_n \log p_{n,\,\mathrm{labels}_n}"
        r" = \frac{1}{N} \sum_n \left( \log \sum_j e^{z_{n,j}}"
        r" - z_{n,\,\mathrm{labels}_n} \right)",
    ),
    "softmax_cross_entropy_backward": r"d\mathrm{logits}_{n,k} = \frac{1}{N}"
    r" \left( p_{n,k} - [k = \mathrm{labels}_n] \right)",
    "embedding_forward": r"y_{\ldots,d} = w_{\mathrm{tokens}_{\ldots},\,d}",
    "embedding_backward": r"dw_{v,d} = \sum_{\mathrm{tokens}_{\ldots} = v} dy_{\ldots,d}",
    # ---- recurrent networks ----
    "rnn_forward": r"h_t = f(x_t w_x + h_{t-1} w_h + b), \qquad y_t = h_t, \qquad"
    r" f = \tanh \text{ or } \mathrm{relu}",
    "rnn_backward": _lines(
        r"dh_t &= dy_t + dz_{t+1} \, w_h^\top",
        r"dz_t &= dh_t \odot f'(z_t)",
    ),
    "gru_forward": _lines(
        r"r &= \sigma(x w_{xr} + b_{xr} + h w_{hr} + b_{hr})",
        r"z &= \sigma(x w_{xz} + b_{xz} + h w_{hz} + b_{hz})",
        r"n &= \tanh(x w_{xn} + b_{xn} + r \odot (h w_{hn} + b_{hn}))"
        r" \quad \text{if } \mathrm{reset\_after}",
        r"n &= \tanh(x w_{xn} + b_{xn} + (r \odot h) w_{hn} + b_{hn}) \quad \text{if not}",
        r"h' &= (1 - z) \odot n + z \odot h",
    ),
    "gru_backward": r"dh_t = dy_t + \text{what step } t + 1 \text{ hands back}",
    "lstm_forward": _lines(
        r"i &= \sigma(x w_{xi} + h w_{hi} + b_i) && \text{what is written}",
        r"f &= \sigma(x w_{xf} + h w_{hf} + b_f) && \text{what is kept}",
        r"g &= \tanh(x w_{xg} + h w_{hg} + b_g) && \text{the candidate}",
        r"o &= \sigma(x w_{xo} + h w_{ho} + b_o) && \text{what is shown}",
        r"c' &= f \odot c + i \odot g",
        r"h' &= o \odot \tanh(c')",
    ),
    "lstm_backward": _lines(
        r"dh_t &= dy_t + dz_{t+1} \, w_h^\top",
        r"dc_t &= dh_t \odot o \odot (1 - \tanh^2(c_t)) + dc_{t+1} \odot f_{t+1}",
    ),
    # ---- optimizers ----
    "sgd_inplace": _lines(_GRADIENT, r"\theta &\leftarrow \theta - \eta g"),
    "sgd_momentum_inplace": _lines(
        _GRADIENT,
        r"v &\leftarrow \mu v + \eta g",
        r"\theta &\leftarrow \theta - v \quad \text{or, if nesterov,}",
        r"\theta &\leftarrow \theta - (\mu v + \eta g)",
    ),
    "adagrad_inplace": _lines(
        _GRADIENT,
        r"s &\leftarrow s + g^2",
        r"\theta &\leftarrow \theta - \frac{\eta g}{\sqrt{s} + \epsilon}",
    ),
    "rmsprop_inplace": _lines(
        _GRADIENT,
        r"s &\leftarrow \rho s + (1 - \rho) g^2 \qquad \rho = \mathrm{decay}",
        r"\theta &\leftarrow \theta - \frac{\eta g}{\sqrt{s} + \epsilon}",
    ),
    "adam_inplace": _lines(
        _GRADIENT + r" \quad \text{(decoupled: } g = \nabla_\theta L \text{, and first }"
        r" \theta \leftarrow \theta - \eta \lambda \theta \text{)}",
        r"m &\leftarrow \beta_1 m + (1 - \beta_1) g",
        r"s &\leftarrow \beta_2 s + (1 - \beta_2) g^2",
        r"\theta &\leftarrow \theta - \eta \frac{m / (1 - \beta_1^t)}"
        r"{\sqrt{s / (1 - \beta_2^t)} + \epsilon}",
    ),
}
"""The equation of every kernel."""
