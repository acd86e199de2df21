"""Ctrl-C, but only where it does no harm."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self, final


@final
class InterruptGuard:
    """Hold back Ctrl-C inside a `with` block, until `check` is called.

    A KeyboardInterrupt may strike between any two bytecodes: in the middle of an optimizer's step
    it would leave some parameters updated and others not. Within the block the first Ctrl-C is
    remembered and raised by the next `check()`; a second one, from somebody who cannot wait, is
    raised at once. One that is still pending at the end of the block is dropped: what it wanted to
    end has ended. Outside the main thread, and where the program handles the signal in its own way,
    the guard does nothing.
    """

    def __init__(self) -> None:
        self._pending = False
        self._active = False

    def __enter__(self) -> Self:
        self._active = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._active:
            signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise the KeyboardInterrupt that was held back, if there is one."""
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._pending = True
