"""Block plans: frozen records of what stands at one position of a network, each kind of block written once.

A plan says everything that is to be known of its block, and wires it from primitives (`wiring.py`): all else is a fold
over that graph. Two networks are equal up to a position exactly when their plans are equal up to it; so what a HyperNet
makes a block's weights depend on is part of its plan.
"""

from toolkit.spaces.plans.base import Block, Plan, Plans, unconditioned
from toolkit.spaces.plans.composed import Cell, Choice, Mixture, ResidualChoice
from toolkit.spaces.plans.darts import AuxiliaryHead, DualCell, FactorizedReduce, Separable
from toolkit.spaces.plans.mobile import InvertedResidual, MobileHead
from toolkit.spaces.plans.residual import BasicBlock, Reduction, SplitAttention
from toolkit.spaces.plans.simple import AvgPool, ConvNorm, DeepStem, Head, Identity, MaxPool, NormReLU, Resize, Stem

__all__ = [
    "AuxiliaryHead",
    "AvgPool",
    "BasicBlock",
    "Block",
    "Cell",
    "Choice",
    "ConvNorm",
    "DeepStem",
    "DualCell",
    "FactorizedReduce",
    "Head",
    "Identity",
    "InvertedResidual",
    "MaxPool",
    "Mixture",
    "MobileHead",
    "NormReLU",
    "Plan",
    "Plans",
    "Reduction",
    "ResidualChoice",
    "Resize",
    "Separable",
    "SplitAttention",
    "Stem",
    "unconditioned",
]
