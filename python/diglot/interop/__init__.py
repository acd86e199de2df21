"""Weights from and for other frameworks, which need not be installed."""

from diglot.interop import torch

__all__ = ["torch"]
