"""What the recurrent layers share: the check of a rate, and random masks."""

import numbers

import keras
from keras import ops


def check_rate(name, rate, limit=True):
    """Return a rate as a float, or raise a ValueError that names the argument.

    Parameters
    ----------
    name : str
        The argument, for the message.
    rate : float
        In [0, 1]; NumPy numbers are welcome.
    limit : bool, default=True
        Whether the rate may be 1.
    """
    number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    if not number or not 0 <= rate <= 1 or (rate == 1 and not limit):
        allowed = "[0, 1]" if limit else "[0, 1)"
        raise ValueError(f"{name} must be a number in {allowed}, got {rate!r}")
    return float(rate)


def bernoulli(rates, shape, seed_generator):
    """Independent draws that are True with the probability that each rate states.

    Parameters
    ----------
    rates : sequence of float
    shape : tuple
        Of each mask; its entries may be symbolic.
    seed_generator : keras.random.SeedGenerator
        Moves by one, whatever the number of rates.

    Returns
    -------
    list
        A bool tensor for each rate, and None for a rate of 0.
    """
    masks = [None for _ in rates]
    drawn = [k for k, rate in enumerate(rates) if rate > 0]
    if drawn:
        u = _uniform(shape, seed_generator)
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

    Inference needs no factor then (Srivastava et al. 2014, section 10; Keras does the same). At
    rate 1 everything is 0. Without a mask the value stays as it is.
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
    """Float32 numbers in [0, 1), equal in eager, graph and compiled code.

    `keras.random` leaves TensorFlow the choice of the generator, and what XLA chooses on a CPU
    takes 277 ms for 819,200 numbers (two masks of 64 units for 32 sequences of 200 steps, two
    cores, TensorFlow 2.21); Philox takes 3.
    """
    if keras.config.backend() != "tensorflow":
        return keras.random.uniform(shape, dtype="float32", seed=seed_generator)
    import tensorflow as tf

    seed = tf.cast(seed_generator.next(), tf.int32)
    bits = tf.random.stateless_uniform(shape, seed, None, None, tf.uint32, alg="philox")
    # XLA makes other floats of the same bits than TensorFlow's kernels; this is what XLA makes.
    return tf.cast(tf.bitwise.right_shift(bits, 9), tf.float32) * 2.0**-23
