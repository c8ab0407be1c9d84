"""What the layers share: random masks, and what they do to a value."""

import keras
from keras import ops


def bernoulli(rates, shape, seed_generator):
    """A bool tensor for each rate, True with that probability, and None for a rate of 0.

    Entries of the shape may be symbolic. The generator moves by one, whatever the number of rates.
    """
    masks = [None for _ in rates]
    drawn = [k for k, rate in enumerate(rates) if rate > 0]
    u = _uniform(shape, seed_generator) if drawn else None
    for k in drawn:
        rate, masks[k] = rates[k], u < rates[k]
        if k != drawn[-1]:
            # Given the outcome, u is uniform below or above the rate: stretched, it serves again,
            # which costs less than a second draw.
            above = (u - rate) / max(1 - rate, 1e-7)
            u = ops.where(masks[k], u / rate, above)
    return masks


def drop(value, dropped, rate):
    """Inverted dropout: 0 where `dropped`, elsewhere value / (1 - rate), so that the mean stays.

    So inference needs no factor (Srivastava et al. 2014, section 10; Keras). At rate 1 all is 0.
    """
    if dropped is None:
        return value
    scale = 0.0 if rate == 1 else 1 / (1 - rate)
    return ops.where(dropped, ops.zeros_like(value), value * scale)


def kept(value, dropped, rate):
    """What `drop` gives, by way of a product: for a value that a matrix meets next.

    There TensorFlow's gradient of `where` takes up to a quarter of the time of a training step.
    """
    if dropped is None:
        return value
    scale = ops.convert_to_tensor(0 if rate == 1 else 1 / (1 - rate), value.dtype)
    return value * ops.where(dropped, ops.zeros_like(scale), scale)


def _uniform(shape, seed_generator):
    """Float32 numbers in [0, 1), equal in eager, graph and compiled code."""
    if keras.config.backend() != "tensorflow":
        return keras.random.uniform(shape, dtype="float32", seed=seed_generator)
    import tensorflow as tf

    seed = tf.cast(seed_generator.next(), tf.int32)
    # Where `keras.random` leaves the choice to XLA, 819,200 numbers (two masks of 64 units for 32
    # sequences of 200 steps) take 277 ms on a CPU (two cores, TensorFlow 2.21); with Philox 3.
    bits = tf.random.stateless_uniform(shape, seed, None, None, tf.uint32, alg="philox")
    # XLA makes other floats of the same bits than TensorFlow's kernels; this is what XLA makes.
    return tf.cast(tf.bitwise.right_shift(bits, 9), tf.float32) * 2.0**-23
