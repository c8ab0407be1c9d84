"""How far apart two ways may come out that compute the same: further on a card."""

from lstmreg_utils.kernels import cards

# Of float32 numbers below 1, after a few steps. On a card the fused kernel, a compiled loop and one
# that is not add in different orders; TF32, which `conftest.py` turns off, would make it 4e-4.
ATOL = 1e-5 if cards() else 1e-6
