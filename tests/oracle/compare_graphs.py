"""Says how two GraphDefs differ: what the transforms specification calls equal (its section 5) is equal here.

Nodes are a set; references are canonical (":0" may be left out); tensors are compared by value, bit for bit; `versions`
and an empty library do not count.
"""
import hashlib

from tensorflow.python.framework import tensor_util


def canonical_input(text):
    if text.startswith("^"):
        return text.split(":")[0]
    return text if ":" in text else text + ":0"


def canonical_attr(value):
    """Bytes that are equal if and only if two attribute values mean the same."""
    if value.WhichOneof("value") == "tensor":
        try:
            array = tensor_util.MakeNdarray(value.tensor)
            content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
            return b"tensor %d %s %s" % (value.tensor.dtype, repr(array.shape).encode(), content)
        except Exception:  # A tensor that cannot be decoded is compared as it is written.
            pass
    return value.SerializeToString(deterministic=True)


def canonical_nodes(graph):
    """name -> (op, data inputs, control inputs, device, attributes); the last of several bearers of a name."""
    nodes = {}
    for node in graph.node:
        inputs = [canonical_input(text) for text in node.input]
        nodes[node.name] = (
            node.op,
            [text for text in inputs if not text.startswith("^")],
            sorted(set(text for text in inputs if text.startswith("^"))),
            node.device,
            {key: canonical_attr(value) for key, value in node.attr.items()},
        )
    return nodes


def differences(theirs, ours):
    """List of (kind, node, text); kind is missing, added, op, inputs, controls, device, attr+, attr-, attr."""
    expected, actual = canonical_nodes(theirs), canonical_nodes(ours)
    found = []
    for name in sorted(expected):
        if name not in actual:
            found.append(("missing", name, "the original keeps this %s" % expected[name][0]))
    for name in sorted(actual):
        if name not in expected:
            found.append(("added", name, "the original has no such %s" % actual[name][0]))
            continue
        for kind, want, got in zip(("op", "inputs", "controls", "device"), expected[name], actual[name]):
            if want != got:
                found.append((kind, name, "%r instead of %r" % (got, want)))
        want, got = expected[name][4], actual[name][4]
        for key in sorted(set(want) | set(got)):
            if key not in got:
                found.append(("attr-", name, key))
            elif key not in want:
                found.append(("attr+", name, key))
            elif want[key] != got[key]:
                found.append(("attr", name, "%s: %r instead of %r" % (key, got[key][:60], want[key][:60])))
    for text in ("function", ):
        theirs_functions = {f.signature.name for f in theirs.library.function}
        ours_functions = {f.signature.name for f in ours.library.function}
        for name in sorted(theirs_functions - ours_functions):
            found.append(("library-", name, "the original keeps this " + text))
        for name in sorted(ours_functions - theirs_functions):
            found.append(("library+", name, "the original has no such " + text))
    return found


def structure(graph, outputs, ignored_attributes):
    """A hash for each output of all that it depends on, without names: equal for graphs that differ in what was merged.

    Names are left out by refining hashes until loops (NextIteration to Merge) are covered as well.
    """
    nodes = canonical_nodes(graph)
    label = {}
    for name, (op, inputs, controls, device, attrs) in nodes.items():
        own = [op, str(len(inputs)), device]
        own += ["%s=%s" % (key, attrs[key]) for key in sorted(attrs) if key not in ignored_attributes]
        if op in ("Placeholder", "PlaceholderWithDefault"):
            own.append(name)
        label[name] = hashlib.sha1("\0".join(own).encode()).hexdigest()
    current = dict(label)
    depth = min(len(nodes), 400)
    for step in range(depth):
        refined = {}
        for name, (_, inputs, controls, _, _) in nodes.items():
            parts = [label[name]]
            for text in inputs:
                source, port = text.rsplit(":", 1)
                parts.append(current.get(source, "?") + port)
            parts += sorted({current.get(text[1:], "?") for text in controls})
            refined[name] = hashlib.sha1("\0".join(parts).encode()).hexdigest()
        stable = len(set(refined.values())) == len(set(current.values()))
        current = refined
        if stable and step > 60:
            break
    return {name: current.get(name) for name in outputs}
