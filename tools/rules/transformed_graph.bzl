"""Graphs that transforms were applied to."""

load("//tools/rules:graph_info.bzl", "CHECK_ATTRS", "GraphInfo", "graph_providers", "node_names", "tool")

def _transformed_graph_impl(ctx):
    src = ctx.attr.src[GraphInfo]
    outputs = ctx.attr.outputs or src.outputs
    graph = ctx.actions.declare_file(ctx.label.name + ".pb")
    args = ctx.actions.args()
    args.add(src.graph, format = "--in_graph=%s")
    args.add_joined("--inputs", node_names(src.inputs), join_with = ",")
    args.add_joined("--outputs", outputs, join_with = ",")
    args.add("--transforms=" + " ".join(ctx.attr.transforms))
    args.add(graph, format = "--out_graph=%s")
    ctx.actions.run(
        arguments = [args],
        executable = ctx.executable._transform_graph,
        inputs = [src.graph],
        mnemonic = "TransformGraph",
        outputs = [graph],
        progress_message = "Transforming graph %s" % ctx.label,
    )
    return graph_providers(ctx, graph, src.inputs, outputs)

transformed_graph = rule(
    implementation = _transformed_graph_impl,
    doc = "NAME.pb: the graph of src after transforms.",
    attrs = dict(
        CHECK_ATTRS,
        outputs = attr.string_list(doc = "Nodes to keep, if not those of src."),
        src = attr.label(doc = "A target that makes a graph.", mandatory = True, providers = [GraphInfo]),
        transforms = attr.string_list(
            allow_empty = False,
            doc = "Passes in the order to apply them, as transform_graph has them: name or name(key=value).",
            mandatory = True,
        ),
        _transform_graph = tool("transform_graph", "tools/rules"),
    ),
    provides = [GraphInfo],
)
