"""What a target that makes a graph tells those that use it."""

GraphInfo = provider(
    doc = "A graph.",
    fields = {
        "graph": "File: a GraphDef in the wire format.",
        "inputs": "list of string: the nodes to feed, as name or name:2x3.",
        "outputs": "list of string: the nodes that give the results.",
    },
)

def tool(name, package = "tools"):
    """An attribute for a tool that runs in build actions."""
    return attr.label(default = "//%s:%s" % (package, name), cfg = "exec", executable = True)

def node_names(inputs):
    """The names of GraphInfo.inputs without their shapes."""
    return [each.split(":")[0] for each in inputs]

# Of every rule that makes a graph.
CHECK_ATTRS = {"_lint": tool("lint")}

def graph_providers(ctx, graph, inputs, outputs):
    """Has a graph checked whenever it is built; nothing waits for the check.

    Args:
      ctx: of a rule that has CHECK_ATTRS.
      graph: File, the graph that it makes.
      inputs: see GraphInfo.
      outputs: see GraphInfo.

    Returns:
      The providers of the target.
    """
    report = ctx.actions.declare_file(ctx.label.name + ".lint.txt")
    args = ctx.actions.args()
    args.add(ctx.executable._lint)
    args.add(report)
    args.add(graph, format = "--in_graph=%s")
    ctx.actions.run_shell(
        arguments = [args],
        command = 'lint=$1 report=$2; shift 2; "$lint" "$@" >"$report" || { cat "$report" >&2; exit 1; }',
        inputs = [graph],
        mnemonic = "CheckGraph",
        outputs = [report],
        progress_message = "Checking graph %s" % ctx.label,
        tools = [ctx.executable._lint],
    )
    return [
        DefaultInfo(files = depset([graph]), runfiles = ctx.runfiles([graph])),
        GraphInfo(graph = graph, inputs = inputs, outputs = outputs),
        OutputGroupInfo(_validation = depset([report]), lint = depset([report])),
    ]
