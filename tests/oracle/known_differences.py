"""Where the original transform_graph is wrong, and ours therefore differs on purpose.

reason() names the sentence about the original that a difference falls under, or gives "" if there is none. A rule looks at
the graphs, not at names of models: it must say why it is right for the node at hand.
"""
import collections

BOOKKEEPING_ATTRIBUTES = ("_output_shapes", "_class")

CONTROL_FLOW = ("Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "RefSwitch", "RefMerge", "RefEnter",
                "RefExit", "RefNextIteration")
DT_RESOURCE = 20

# Ops that change a variable begin so.
WRITERS = ("Assign", "Apply", "Scatter", "SparseApply", "CountUpTo")


class Nodes(object):
    """The nodes of a graph by name, and who reads them."""

    def __init__(self, graph):
        self.node = {node.name: node for node in graph.node}
        self.control_read, self.ports = set(), {}
        for node in graph.node:
            for text in node.input:
                name, port = split(text)
                if text.startswith("^"):
                    self.control_read.add(name)
                else:
                    self.ports.setdefault(name, set()).add(port)

    def op(self, name):
        return self.node[name].op if name in self.node else ""

    def controls(self, name):
        return [text[1:] for text in self.node[name].input if text.startswith("^")]

    def data(self, name):
        return [split(text) for text in self.node[name].input if not text.startswith("^")]


def split(text):
    name = text.lstrip("^").split(":")
    return name[0], int(name[1]) if len(name) > 1 and name[1].isdigit() else 0


_cache = {}


def nodes_of(graph):
    if id(graph) not in _cache:
        if len(_cache) > 8:
            _cache.clear()
        _cache[id(graph)] = (Nodes(graph), graph)  # The graph is kept, so that its id stays its own.
    return _cache[id(graph)][0]


def reason(spec, case, before, theirs, ours, difference):
    """`theirs` or `ours` is None where that tool failed; `difference` is (kind, node, text)."""
    for rule in RULES:
        text = rule(spec, case, before, theirs, ours, difference)
        if text:
            return text
    return ""


def unknown_op(spec, case, before, theirs, ours, difference):
    if difference[0] == "error" and ours is not None and "Op type not registered" in difference[2]:
        return "3.1, 3.15, 3.16: one op that is not registered stops the original; it is left alone here"


def duplicate_name(spec, case, before, theirs, ours, difference):
    names = [node.name for node in before.node]
    if difference[0] == "error" and ours is None and len(names) != len(set(names)):
        return "2.2: of two nodes of one name the original silently takes the last; refused here"


def dangling_result(spec, case, before, theirs, ours, difference):
    if difference[0] != "error" or ours is None or "nonexistent nodes" not in difference[2]:
        return ""
    known, result = nodes_of(before), nodes_of(ours)
    if all(split(text)[0] in result.node for node in result.node.values() for text in node.input):
        if all(split(text)[0] in known.node for node in known.node.values() for text in node.input):
            return "3.24, 3.30: the original leaves a reference to a node that it removed, and fails; whole here"


def colocation(spec, case, before, theirs, ours, difference):
    """Ours may name only nodes that there are; the original's must name one that is gone, or be wrong for its name."""
    kind, name, text = difference
    if kind not in ("attr", "attr-") or not text.startswith("_class"):
        return ""
    result, original = nodes_of(ours), nodes_of(theirs)

    def entries(nodes):
        return [value.decode()[5:] for value in nodes.node[name].attr["_class"].list.s if value.startswith(b"loc:@")]

    if all(entry in result.node for entry in entries(result)):
        if any(entry not in original.node for entry in entries(original)) or "obfuscate" in spec:
            return "3.17, 3.24: colocations keep naming a node that is renamed or gone; they follow, or go, here"


def unused_function(spec, case, before, theirs, ours, difference):
    kind, name, _ = difference
    if kind == "library-" and "strip_unused_nodes" in spec and name not in reachable_functions(ours, before):
        return "3.30: functions that nothing calls stay in the library; they go here"


def reachable_functions(graph, before):
    """Names of functions that the graph's nodes lead to, through the library of the graph before."""
    key = ("functions", id(graph))
    if key in _cache:
        return _cache[key][0]
    library = {function.signature.name: function for function in before.library.function}
    gradients = {gradient.function_name: gradient.gradient_func for gradient in before.library.gradient}
    found, todo = set(), [node for node in graph.node]
    while todo:
        node = todo.pop()
        names = [node.op]
        for value in node.attr.values():
            names += [value.func.name] + [func.name for func in value.list.func]
        for name in names + [gradients[name] for name in names if name in gradients]:
            if name in library and name not in found:
                found.add(name)
                todo += list(library[name].node_def)
    _cache[key] = (found, graph)
    return found


def placeholder(spec, case, before, theirs, ours, difference):
    kind, name, text = difference
    if "strip_unused_nodes" not in spec or kind != "attr" or name not in case.inputs:
        return ""
    if text.split(":")[0] in ("dtype", "shape") and nodes_of(before).op(name) != "Placeholder":
        return "3.30: a node that becomes a Placeholder turns into a float scalar; it keeps its type and shape here"


def removed_ops(spec):
    """The ops that the spec's remove_nodes is asked to remove."""
    inside = spec[spec.index("remove_nodes(") + 13:] if "remove_nodes(" in spec else ""
    return [part.strip()[3:] for part in inside.split(")")[0].split(",") if part.strip().startswith("op=")]


def stripped_to(nodes, outputs):
    """Names of all that the outputs depend on."""
    seen, todo = set(), [name for name in outputs if name in nodes.node]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        todo += [split(text)[0] for text in nodes.node[name].input if split(text)[0] in nodes.node]
    return seen


def right_controls(nodes, kept, name):
    """The control inputs that `name` has once every node that is not in `kept` is gone, its readers waiting for all it did."""
    controls, seen = set(), set()

    def behind(source):
        if source in kept or source in seen or source not in nodes.node:
            return {source} if source in kept else set()
        seen.add(source)
        waits = set()
        for control in nodes.controls(source):
            waits |= behind(split(control)[0])
        if nodes.data(source):
            first = nodes.data(source)[0][0]
            waits |= behind(first)
        return waits

    def inherited(source):
        waits = set()
        while source not in kept and source in nodes.node and nodes.data(source):
            for control in nodes.controls(source):
                waits |= behind(split(control)[0])
            source = nodes.data(source)[0][0]
        return waits

    for control in nodes.controls(name):
        controls |= behind(split(control)[0])
    for source, _ in nodes.data(name):
        controls |= inherited(source)
    return controls


def lost_control(spec, case, before, theirs, ours, difference):
    kind, name, _ = difference
    if kind != "controls" or not removed_ops(spec):
        return ""
    nodes, result = nodes_of(before), nodes_of(ours)
    if name not in nodes.node:
        return ""
    want = right_controls(nodes, set(result.node), name)
    have = {split(text)[0] for text in result.controls(name)}
    data = {source for source, _ in result.data(name)}
    # An edge to a node that is read anyhow says nothing.
    if have - data == want - data - {name}:
        return "3.24: what a removed node waited for is forgotten; its readers wait for it here"


def kept_forwarder(spec, case, before, theirs, ours, difference):
    """A node of an op that was to be removed, and that must not be."""
    kind, name, _ = difference
    if kind != "added" or not removed_ops(spec):
        return ""
    nodes = nodes_of(before)
    if name not in nodes.node:
        return ""
    if nodes.op(name) not in removed_ops(spec):
        return "3.24: the further operands of a removed node go with it, needed or not; strip_unused_nodes is for that here"
    source = nodes.data(name)[0][0] if nodes.data(name) else ""
    hops = 0
    while nodes.op(source) in removed_ops(spec) and nodes.data(source) and hops < 1000:
        source, hops = nodes.data(source)[0][0], hops + 1
    if nodes.op(source) in CONTROL_FLOW or any(
            nodes.op(reader) in CONTROL_FLOW for reader in readers(before).get(name, ())):
        return "3.24: forwarding nodes at control flow are removed, so that both branches run or loops break; kept here"
    if nodes.op(source).startswith("Variable") and any(
            nodes.op(reader).startswith(WRITERS) for reader in readers(before).get(source, ())):
        return "3.24: what was read before a variable is assigned to is read after it without its Identity; kept here"


def readers(graph):
    key = ("readers", id(graph))
    if key not in _cache:
        found = {}
        for node in graph.node:
            for text in node.input:
                found.setdefault(split(text)[0], []).append(node.name)
        _cache[key] = (found, graph)
    return _cache[key][0]


def reads_kept_forwarder(spec, case, before, theirs, ours, difference):
    """Inputs that are equal once one looks through the forwarding nodes that were kept."""
    kind, name, _ = difference
    ops = removed_ops(spec)
    if kind != "inputs" or not ops:
        return ""
    result, original = nodes_of(ours), nodes_of(theirs)

    def through(source, port):
        while source not in original.node and result.op(source) in ops and result.data(source):
            source, port = result.data(source)[0]
        return source, port

    if [through(*edge) for edge in result.data(name)] == original.data(name):
        return "3.24: forwarding nodes at control flow are removed, so that both branches run or loops break; kept here"


def stripped_attribute(spec, case, before, theirs, ours, difference):
    if difference[0] == "error" and ours is not None and "No attr named" in difference[2]:
        return "4: the original fails on models that were saved without the attributes that have their default"


def registered_ops():
    if "ops" not in _cache:
        import tensorflow  # Registers them.
        from tensorflow.python.framework import op_def_registry
        _cache["ops"] = (op_def_registry.get_registered_ops(), tensorflow)
    return _cache["ops"][0]


def has_value_outputs(node):
    """True for a node of a known op whose outputs, all of them, are values: not references and not resources."""
    op = registered_ops().get(node.op)
    if op is None or not op.output_arg or node.op in CONTROL_FLOW:
        return False
    for argument in op.output_arg:
        types = [argument.type]
        if argument.type_attr and argument.type_attr in node.attr:
            types = [node.attr[argument.type_attr].type]
        if argument.type_list_attr and argument.type_list_attr in node.attr:
            types = list(node.attr[argument.type_list_attr].list.type)
        if argument.is_ref or any(dtype == DT_RESOURCE or dtype > 100 for dtype in types):
            return False
    return True


def logging(spec, case, before, theirs, ours, difference):
    kind, name, text = difference
    if "insert_logging" not in spec or ours is None or theirs is None:
        return ""
    nodes, result, original = nodes_of(before), nodes_of(ours), nodes_of(theirs)
    suffix = "__print__"
    not_logged = "3.15: nodes without outputs, references, resources and control flow get a Print, and the graph breaks"
    if name.endswith(suffix):
        logged = name[:-len(suffix)]
        if kind == "missing" and logged in nodes.node and not has_value_outputs(nodes.node[logged]):
            return not_logged
        if kind == "attr" and text.startswith("U:"):
            listed = original.node[name].attr["U"].list.type
            if len(listed) != len(original.node[name].input) - 1:
                return "3.15: U lists the types of all outputs, though only some are printed: ill-formed"
        if kind in ("inputs", "attr") and 0 not in nodes.ports.get(logged, ()) and nodes.ports.get(logged):
            return "3.15: output 0 is passed through the Print even if nobody reads it, so that it never prints"
    if kind == "inputs" and len(result.data(name)) == len(original.data(name)):
        for mine, other in zip(result.data(name), original.data(name)):
            if mine == other or (other[0] == mine[0] + suffix and other[0] not in result.node):
                continue
            if mine[0] == other[0] + suffix and result.data(mine[0])[0] == other:
                continue
            return ""
        return not_logged
    if kind == "controls":
        mine, other = set(result.controls(name)), set(original.controls(name))
        if all(control.endswith(suffix) and control[:-len(suffix)] in other and not nodes.ports.get(control[:-len(suffix)])
               for control in mine - other):
            return "3.15: control references bypass the Print of a node that is only waited for; it never prints"
    return ""


def unmerged(spec, case, before, theirs, ours, difference):
    if difference[0] != "unmerged":
        return ""
    more = collections.Counter(node.op for node in ours.node) - collections.Counter(node.op for node in theirs.node)
    if any(op in CONTROL_FLOW or op.startswith("Placeholder") or op == "IsVariableInitialized" for op in more):
        return "3.16: placeholders, control flow and reads of state are merged, with all that follows; kept apart here"


RULES = [unknown_op, unmerged, stripped_attribute, logging, duplicate_name, dangling_result, colocation, unused_function, placeholder, lost_control,
         kept_forwarder, reads_kept_forwarder]
