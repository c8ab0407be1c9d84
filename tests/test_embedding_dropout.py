"""Words are dropped whole, at the rate, anew for each sequence and call, and never at inference."""

import keras
import numpy as np
import pytest

from lstmreg_utils.layers import EmbeddingDropout

WORDS, WIDTH, RATE = 50, 4, 0.4


@pytest.fixture
def layer():
    layer = EmbeddingDropout(WORDS, WIDTH, embedding_dropout=RATE, seed=1, mask_zero=True)
    layer.build((None, None))
    return layer


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def sequences(n=200, steps=30, seed=0):
    return np.random.default_rng(seed).integers(1, WORDS, (n, steps)).astype("int32")


def test_inference_is_the_embedding(layer):
    plain = keras.layers.Embedding(WORDS, WIDTH)
    plain.build((None, None))
    plain.set_weights(layer.get_weights())
    tokens = sequences()
    np.testing.assert_array_equal(array(layer(tokens)), array(plain(tokens)))


def test_rate_zero_is_the_embedding_in_training_too():
    layer = EmbeddingDropout(WORDS, WIDTH)
    tokens = sequences()
    np.testing.assert_array_equal(array(layer(tokens, training=True)), array(layer(tokens)))


def test_a_word_goes_everywhere_in_its_sequence_or_nowhere(layer):
    tokens = sequences()
    dropped = (array(layer(tokens, training=True)) == 0).all(axis=-1)
    for row, gone in zip(tokens, dropped, strict=True):
        for word in np.unique(row):
            assert len(set(gone[row == word])) == 1


@pytest.mark.parametrize("words", [WORDS, 5000], ids=["few words", "many words"])
@pytest.mark.parametrize("shape", [(40,), (40, 9), (40, 3, 3)], ids=["1-D", "2-D", "3-D"])
def test_tokens_of_any_rank_lose_whole_words_at_the_rate(words, shape):
    layer = EmbeddingDropout(words, WIDTH, embedding_dropout=RATE, seed=1)
    tokens = np.random.default_rng(0).integers(0, 12, shape) * (words // 12)
    out = array(layer(tokens, training=True))
    assert out.shape == (*shape, WIDTH)
    gone, flat = (out == 0).all(-1).reshape(40, -1), tokens.reshape(40, -1)
    pairs = {(row, word): flags for row in range(40) for word in np.unique(flat[row])
             for flags in [gone[row][flat[row] == word]]}  # fmt: skip
    assert all(len({*flags}) == 1 for flags in pairs.values())
    share = np.mean([flags[0] for flags in pairs.values()])
    assert share == pytest.approx(RATE, abs=4 * np.sqrt(RATE * (1 - RATE) / len(pairs)))


def test_vectors_of_words_are_given_as_to_the_embedding():
    matrix = np.random.default_rng(0).normal(size=(WORDS, WIDTH)).astype("float32")
    for weights in (matrix, [matrix]):
        layer = EmbeddingDropout(WORDS, WIDTH, 0.5, weights=weights, trainable=False)
        np.testing.assert_array_equal(layer.get_weights()[0], matrix)
        assert not layer.trainable_weights


def test_words_go_at_the_rate_and_the_others_are_scaled(layer):
    tokens = np.tile(np.arange(1, WORDS, dtype="int32"), (400, 1))  # each word once
    before, after = array(layer(tokens)), array(layer(tokens, training=True))
    dropped = (after == 0).all(axis=-1)
    spread = np.sqrt(RATE * (1 - RATE) / dropped.size)
    assert dropped.mean() == pytest.approx(RATE, abs=4 * spread)
    np.testing.assert_allclose(after[~dropped], before[~dropped] / (1 - RATE), rtol=1e-6)


def test_sequences_and_calls_lose_words_of_their_own(layer):
    tokens = np.tile(np.arange(1, WORDS, dtype="int32"), (2, 1))
    one, other = ((array(layer(tokens, training=True)) == 0).all(axis=-1) for _ in range(2))
    assert (one[0] != one[1]).any()
    assert (one != other).any()


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="takes TensorFlow's gradient")
def test_a_dropped_word_gets_no_gradient():
    import tensorflow as tf

    layer = EmbeddingDropout(WORDS, WIDTH, embedding_dropout=0.5, seed=3)
    tokens = tf.range(WORDS)[None]
    layer.build((None, None))
    with tf.GradientTape() as tape:
        out = layer(tokens, training=True)
        loss = tf.reduce_sum(out)
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.embeddings)).numpy()
    dropped = (out.numpy()[0] == 0).all(axis=-1)
    assert 0 < dropped.sum() < WORDS
    np.testing.assert_array_equal((gradient == 0).all(axis=-1), dropped)


def test_padding_stays_masked(layer):
    tokens = np.array([[3, 4, 0, 0]], "int32")
    np.testing.assert_array_equal(array(layer.compute_mask(tokens)), tokens != 0)


def test_saved_model_predicts_the_same(tmp_path):
    model = keras.Sequential(
        [
            keras.layers.Input((5,), dtype="int32"),
            EmbeddingDropout(WORDS, WIDTH, embedding_dropout=RATE, seed=7, mask_zero=True),
            keras.layers.LSTM(3),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    tokens = sequences(4, 5)
    np.testing.assert_array_equal(
        model.predict(tokens, verbose=0), loaded.predict(tokens, verbose=0)
    )
    assert loaded.layers[0].get_config() == model.layers[0].get_config()
    assert loaded.layers[0].embedding_dropout == RATE


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, "0.5", None, True])
def test_rate_outside_its_range_is_refused_by_name(rate):
    with pytest.raises(ValueError, match=r"embedding_dropout must be a number in \[0, 1\), got"):
        EmbeddingDropout(WORDS, WIDTH, embedding_dropout=rate)
