"""Who is told what happens in a training: checkpoints, logs, and objects of your own.

A callback is any object with one or more of the methods `on_fit_begin`, `on_batch_end`,
`on_epoch_end` and `on_fit_end`. Each gets the `Fit` that is under way, and may look at everything
in it, stop it or change its learning rate.
"""

from diglot.callbacks.checkpoint import Checkpoint as Checkpoint
from diglot.callbacks.logs import CSVLog as CSVLog
from diglot.callbacks.logs import JSONLinesLog as JSONLinesLog
from diglot.callbacks.protocols import Callback as Callback
from diglot.callbacks.protocols import OnBatchEnd as OnBatchEnd
from diglot.callbacks.protocols import OnEpochEnd as OnEpochEnd
from diglot.callbacks.protocols import OnFitBegin as OnFitBegin
from diglot.callbacks.protocols import OnFitEnd as OnFitEnd
from diglot.callbacks.tensorboard import TensorBoardLog as TensorBoardLog
from diglot.fitting import Fit as Fit
from diglot.resuming import latest_checkpoint as latest_checkpoint
