"""Trains the small digit classifier of this folder and writes every file beside this script.

    python train.py [OUTPUT_FOLDER]        (TensorFlow 1.15; about six seconds)

The images are drawn by this script: seven-segment digits of 12 x 12 pixels, shifted, thickened and made noisy by a
seeded generator, so nothing is downloaded. The graph that is saved is what such a model looks like in the wild: it
still holds the save/restore subgraph, initialisers, labels, loss and summaries, names a GPU, and the checkpoint holds
the optimiser's slots too.
"""
import os
import shutil
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.saved_model import builder as saved_model_builder
from tensorflow.python.saved_model import signature_constants
from tensorflow.python.saved_model import signature_def_utils

SIZE = 12
CLASSES = 10
STEPS = 400
BATCH = 64

# Segments that are lit for each digit: top, top left, top right, middle, bottom left, bottom right, bottom.
LIT = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"]
# Row, column, height and width of each segment.
SEGMENTS = [(0, 1, 1, 4), (1, 0, 3, 1), (1, 5, 3, 1), (4, 1, 1, 4), (5, 0, 3, 1), (5, 5, 3, 1), (8, 1, 1, 4)]


def draw(random, count):
    """Returns images [count, 12, 12, 1] with values around 0 and 1, and labels [count]."""
    labels = random.randint(0, CLASSES, count)
    images = np.zeros([count, SIZE, SIZE, 1], np.float32)
    for image, label in zip(images, labels):
        top, left = random.randint(0, 4), random.randint(0, 6)
        for lit, (row, column, height, width) in zip(LIT[label], SEGMENTS):
            if lit == "1":
                image[top + row:top + row + height, left + column:left + column + width] = 1
        image += random.normal(0, 0.15, image.shape)
    return images, labels.astype(np.int64)


def network(image, training):
    """Logits of two blocks of convolution, batch norm and pooling, and a dense layer."""
    x = image
    for name, filters in (("block1", 6), ("block2", 12)):
        with tf.variable_scope(name):
            x = tf.layers.conv2d(x, filters, 3, padding="same", use_bias=False, name="conv")
            x = tf.layers.batch_normalization(x, training=training, momentum=0.9, name="bn")
            x = tf.nn.relu(x, name="relu")
            x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", name="pool")
    x = tf.reshape(x, [-1, 3 * 3 * 12], name="flat")
    return tf.layers.dense(x, CLASSES, name="fc")


def build(training):
    """Builds the model in the default graph, with the placement of a machine that has a GPU."""
    tf.set_random_seed(1)
    with tf.device("/device:GPU:0"):
        image = tf.placeholder(tf.float32, [None, SIZE, SIZE, 1], "image")
        label = tf.placeholder(tf.int64, [None], "label")
        logits = tf.identity(network(image, training), "logits")
        probabilities = tf.nn.softmax(logits, name="probabilities")
        loss = tf.losses.sparse_softmax_cross_entropy(label, logits)
        correct = tf.cast(tf.equal(tf.argmax(logits, 1), label), tf.float32)
        accuracy = tf.reduce_mean(correct, name="accuracy")
    step = tf.train.get_or_create_global_step()
    tf.summary.scalar("loss", loss)
    return image, label, probabilities, loss, accuracy, step


def train(prefix):
    """Trains from scratch and leaves a checkpoint at `prefix`."""
    random = np.random.RandomState(1)
    with tf.Graph().as_default():
        image, label, _, loss, _, step = build(training=True)
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            update = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss, global_step=step)
        with tf.Session(config=config()) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(STEPS):
                images, labels = draw(random, BATCH)
                session.run(update, {image: images, label: labels})
            saver = tf.train.Saver(tf.global_variables(), save_relative_paths=True)
            saver.save(session, prefix, write_meta_graph=False)


def config():
    # One thread, so that sums are taken in the same order each time.
    return tf.ConfigProto(allow_soft_placement=True, intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    prefix = os.path.join(folder, "model.ckpt")
    train(prefix)
    with tf.Graph().as_default() as graph, tf.Session(config=config()) as session:
        image, label, probabilities, _, accuracy, _ = build(training=False)
        saver = tf.train.Saver(tf.global_variables())
        saver.restore(session, prefix)
        images, labels = draw(np.random.RandomState(2), 500)
        print("accuracy on fresh images: %.3f" % session.run(accuracy, {image: images, label: labels}))

        sample = images[:3]
        np.save(os.path.join(folder, "sample_image.npy"), sample)
        np.save(os.path.join(folder, "sample_probabilities.npy"), session.run(probabilities, {image: sample}))

        tf.train.write_graph(graph.as_graph_def(), folder, "graph.pb", as_text=False)
        saver.export_meta_graph(prefix + ".meta", clear_extraneous_savers=True)
        saved_model = os.path.join(folder, "saved_model")
        shutil.rmtree(saved_model, ignore_errors=True)
        builder = saved_model_builder.SavedModelBuilder(saved_model)
        signature = signature_def_utils.predict_signature_def({"image": image}, {"probabilities": probabilities})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature}, saver=saver)
        builder.save()


if __name__ == "__main__":
    main()
