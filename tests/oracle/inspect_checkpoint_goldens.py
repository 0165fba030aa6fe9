"""Writes tests/tools/testdata/inspect_checkpoint/*.txt: what TensorFlow's inspect_checkpoint prints of our sample models.

    python tests/oracle/inspect_checkpoint_goldens.py tf15|tf221

with the interpreter of TensorFlow 1.15 or 2.21, in the root of the project. Each file begins with a line "# FLAGS".
"""
import os
import subprocess
import sys

CASES = [
    ("list", "tests/models/digits/model.ckpt", []),
    ("names", "tests/models/digits/model.ckpt", ["--all_tensor_names"]),
    ("values", "tests/models/digits/model.ckpt", ["--all_tensors"]),
    ("one", "tests/models/digits/model.ckpt", ["--tensor_name=fc/kernel"]),
    ("missing", "tests/models/digits/model.ckpt", ["--tensor_name=fc/kernels"]),
    ("excluded", "tests/models/digits/model.ckpt", ["--count_exclude_pattern=^block1/"]),
    ("options", "tests/models/digits/model.ckpt",
     ["--tensor_name=fc/kernel", "--printoptions", "precision=3", "threshold=100000", "linewidth=60", "suppress=True"]),
    ("types", "tests/models/variants/dtypes/model.ckpt", ["--all_tensors"]),
]


def main():
    which = sys.argv[1]
    folder = "tests/tools/testdata/inspect_checkpoint"
    os.makedirs(folder, exist_ok=True)
    for name, path, flags in CASES:
        if which == "tf15" and name == "excluded":
            continue
        command = [sys.executable, "-m", "tensorflow.python.tools.inspect_checkpoint", "--file_name=" + path] + flags
        text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                              env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")).stdout.decode()
        with open("%s/%s_%s.txt" % (folder, name, which), "w") as out:
            out.write("# --file_name=%s\n%s" % (" ".join([path] + flags), text))


if __name__ == "__main__":
    main()
