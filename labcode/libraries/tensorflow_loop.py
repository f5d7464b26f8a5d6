"""The recipe as a loop of one's own in TensorFlow: a tape, and a graph that ``tf.function`` makes of it."""

from labcode._checks import expect
from labcode.libraries.contestants import keras_model
from labcode.libraries.recipe import Recipe


def train_tensorflow(recipe: Recipe) -> list[float]:
    """Train ``tf.keras.layers.LSTM`` with ``tf.GradientTape``; needs TensorFlow as Keras's backend.

    Args:
        recipe: what is trained; without dropout, as a graph would keep the masks of its first call.

    Returns:
        the loss of each step's batch, penalty included, before the step.

    Raises:
        ValueError: a recipe with dropout.

    Chapter: 7.
    """
    import tensorflow as tf

    expect(recipe.recurrent_dropout == 0, "recurrent_dropout", "0", recipe.recurrent_dropout)
    model = keras_model(recipe)
    expect(type(model.layers[0]) is tf.keras.layers.LSTM, "layer", "a tf.keras.layers.LSTM", model.layers[0])
    model.optimizer.build(model.trainable_variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y)) + tf.add_n(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return [float(step(x, y)) for x, y in recipe.batches()]
