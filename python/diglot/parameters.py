"""The parameters of a network and their gradients, by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from diglot._arrays import real_array
from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.flat import FlatArrays
from diglot.layers import Layer


class HasParameters(ABC):
    """What a network can do with its parameters: "0.weight" is the weight of its first layer."""

    layers: Sequence[Layer]
    _flat: FlatArrays | None

    def parameters(self) -> dict[str, Array]:
        """Give all parameters by name, "0.weight": the live arrays, to be updated in place.

        Raises:
            ValueError: the network is not set up.
        """
        self._check_is_set_up()
        return {
            f"{position}.{name}": array
            for position, layer in enumerate(self.layers)
            for name, array in layer.parameters().items()
        }

    def gradients(self) -> dict[str, Array]:
        """Give the gradient of each parameter, by the same names.

        Raises:
            ValueError: backward has not been run.
        """
        self._check_is_set_up()
        return {
            f"{position}.{name}": array
            for position, layer in enumerate(self.layers)
            for name, array in layer.gradients().items()
        }

    def flat_parameters(self) -> Mapping[str, Array]:
        """Give `parameters()` for an optimizer: as `FlatArrays`, if they lie in one buffer.

        They do not where a layer came with parameters of its own, where one was set up again or its
        arrays were replaced, and in a copy of a network.
        """
        parameters = self.parameters()
        flat = self._flat
        return flat if flat is not None and flat.holds(parameters) else parameters

    def copy_parameters(self) -> dict[str, Array]:
        """Copy all parameters, by name."""
        return {name: array.copy() for name, array in self.parameters().items()}

    def load_parameters(self, parameters: Mapping[str, Array]) -> None:
        """Overwrite all parameters, in place.

        Args:
            parameters: an array for every name of `parameters()`.

        Raises:
            ValueError: a name is missing or unknown, or an array does not fit; then nothing has
                been changed.
        """
        own = self.parameters()
        if own.keys() != parameters.keys():
            missing, unknown = own.keys() - parameters.keys(), parameters.keys() - own.keys()
            raise ValueError(
                f"these parameters are of another network: missing are {sorted(missing)}, "
                f"unknown are {sorted(unknown)}"
            )
        values = {name: real_array(name, parameters[name]) for name in own}
        for name, value in values.items():
            if value.shape != own[name].shape:
                raise ShapeError(f"{name} has shape {value.shape}, expected {own[name].shape}")
        for name, value in values.items():
            own[name][...] = value

    @abstractmethod
    def _check_is_set_up(self) -> None:
        """Raise a ValueError if there are no parameters yet."""
