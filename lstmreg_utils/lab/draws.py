"""What a seed stands for: batches and initial weights, drawn outside of every engine.

So all engines train the same network on the same batches. The generator of weights is Philox4x32-10
(Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), seeded and read as TensorFlow's
stateless operations do it on a CPU, which drew those of the first records: uniform numbers agree to
the last digit, orthogonal matrices within 5e-7. (NumPy's own Philox has words of 64 bits.)
"""

import math

import numpy as np

STREAMS = ("weights", "noise", "batches", "probes", "members")
ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
SEEDING_KEY = 0x3EC8F720, 0x02461E29  # TensorFlow's: what turns a seed into a key and a counter


def stream(seed, name, size):
    """Independent 31-bit seeds for one purpose of a run, one of `STREAMS`."""
    sequence = np.random.SeedSequence([seed, STREAMS.index(name)])
    return sequence.generate_state(size) >> 1


def batch_orders(seed, n, batch_size, epochs):
    """The batches of every epoch, (epochs, n // batch_size, batch_size), alike for arm and twin.

    The n % batch_size sequences that fill no batch are others in each epoch. A ValueError if they
    fill none.
    """
    if batch_size > n:
        raise ValueError(f"batch_size must be at most the {n} training sequences, got {batch_size}")
    rng = np.random.default_rng(stream(seed, "batches", 1))
    batches = n // batch_size
    orders = np.stack([rng.permutation(n)[: batches * batch_size] for _ in range(epochs)])
    return orders.reshape(epochs, batches, batch_size).astype("int32")


def glorot_uniform(shape, seed):
    """A kernel: uniform within √(6 / (fan in + fan out)) of 0 (Glorot and Bengio 2010).

    >>> glorot_uniform((2, 3), seed=5).astype(float).round(2).tolist()
    [[-0.96, 0.73, 1.04], [-0.34, 0.02, -0.31]]
    """
    return _uniform(shape, seed, math.sqrt(6 / sum(shape)))


def small_uniform(shape, seed):
    """Embeddings: uniform within 0.05 of 0, as Keras starts them."""
    return _uniform(shape, seed, 0.05)


def orthogonal(shape, seed):
    """A recurrent kernel, wider than high, whose rows are orthonormal (Saxe et al. 2014).

    >>> U = orthogonal((2, 8), seed=5)
    >>> bool(np.allclose(U @ U.T, np.eye(2), atol=1e-6))
    True
    """
    few, many = shape
    q, r = np.linalg.qr(_normal((many, few), seed))
    return (q * np.sign(np.diag(r))).T


def _uniform(shape, seed, limit):
    low, high = np.float32(-limit), np.float32(limit)
    return (_unit(seed, math.prod(shape)) * (high - low) + low).reshape(shape)


def _normal(shape, seed):
    """Standard normal numbers, two from two uniform ones (Box and Muller 1958)."""
    size = math.prod(shape)
    u = _unit(seed, size + size % 2).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(np.maximum(u[:, 0], np.float32(1e-7))))
    angle = np.float32(2 * np.pi) * u[:, 1]
    pairs = np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=1)
    return pairs.reshape(-1)[:size].reshape(shape)


def _unit(seed, size):
    """Float32 numbers in [0, 1): 23 bits of each word as the mantissa of a number in [1, 2)."""
    zero = np.zeros(1, np.uint32)
    key_0, key_1, high_0, high_1 = _philox([zero + np.uint32(seed), zero, zero, zero], SEEDING_KEY)
    counter = np.arange(-(-size // 4), dtype=np.uint32)
    words = [counter, np.zeros_like(counter)]
    words += [np.full_like(counter, high) for high in (high_0[0], high_1[0])]
    bits = np.stack(_philox(words, (key_0[0], key_1[0])), axis=1).reshape(-1)[:size]
    return (bits & np.uint32(2**23 - 1) | np.uint32(127 << 23)).view(np.float32) - np.float32(1)


def _philox(words, key):
    """Four words of 32 bits for each counter of four."""
    w, k = words, [np.uint32(part) for part in key]
    with np.errstate(over="ignore"):  # modulo 2^32 is meant
        for _ in range(ROUNDS):
            products = [m * x.astype(np.uint64) for m, x in zip(MULTIPLIERS, w[::2], strict=True)]
            low_p, low_q = (product.astype(np.uint32) for product in products)
            high_p, high_q = ((product >> np.uint64(32)).astype(np.uint32) for product in products)
            w = [high_q ^ w[1] ^ k[0], low_q, high_p ^ w[3] ^ k[1], low_p]
            k = [part + step for part, step in zip(k, WEYL, strict=True)]
    return w
