"""Graphs whose variables are made constants."""

load("//tools/rules:graph_info.bzl", "CHECK_ATTRS", "GraphInfo", "graph_providers", "tool")

def _checkpoint_path(ctx):
    """What names the checkpoint for a tool: the prefix of its .index, or else its only file."""
    files = ctx.files.checkpoint
    indexes = [file for file in files if file.basename.endswith(".index")]
    if len(indexes) == 1:
        return indexes[0].path[:-len(".index")]
    if not indexes and len(files) == 1:
        return files[0].path
    fail("%s: checkpoint has %d files, %d of them .index: name one checkpoint" %
         (ctx.label, len(files), len(indexes)))

def _source(ctx):
    """The flags that name what is frozen, and its files."""
    given = [
        name
        for name, value in {
            "graph": ctx.file.graph,
            "meta_graph": ctx.file.meta_graph,
            "saved_model": ctx.files.saved_model,
        }.items()
        if value
    ]
    if len(given) != 1:
        fail("%s needs one of graph, meta_graph and saved_model, and has %s" %
             (ctx.label, " and ".join(given) or "none"))
    if ctx.files.saved_model:
        heads = [file for file in ctx.files.saved_model if file.basename in ("saved_model.pb", "saved_model.pbtxt")]
        if len(heads) != 1:
            fail("%s: saved_model has %d files saved_model.pb or .pbtxt, not one" % (ctx.label, len(heads)))
        if ctx.files.checkpoint:
            fail("%s: saved_model brings its own variables; remove checkpoint" % ctx.label)
        return ["--input_saved_model_dir=" + heads[0].dirname], ctx.files.saved_model
    if not ctx.files.checkpoint:
        fail("%s: %s needs a checkpoint, too" % (ctx.label, given[0]))
    model = ctx.file.graph or ctx.file.meta_graph
    return (
        ["--input_%s=%s" % (given[0], model.path), "--input_checkpoint=" + _checkpoint_path(ctx)],
        [model] + ctx.files.checkpoint,
    )

def _frozen_graph_impl(ctx):
    flags, files = _source(ctx)
    graph = ctx.actions.declare_file(ctx.label.name + ".pb")
    args = ctx.actions.args()
    args.add_all(flags)
    if ctx.attr.saved_model and ctx.attr.saved_model_tags:
        args.add_joined("--saved_model_tags", ctx.attr.saved_model_tags, join_with = ",")
    args.add_joined("--output_node_names", ctx.attr.outputs, join_with = ",")
    args.add(graph, format = "--output_graph=%s")
    ctx.actions.run(
        arguments = [args],
        executable = ctx.executable._freeze_graph,
        inputs = files,
        mnemonic = "FreezeGraph",
        outputs = [graph],
        progress_message = "Freezing graph %s" % ctx.label,
    )
    return graph_providers(ctx, graph, ctx.attr.inputs, ctx.attr.outputs)

frozen_graph = rule(
    implementation = _frozen_graph_impl,
    doc = "NAME.pb: the graph with its variables made constants, stripped to what its outputs need.",
    attrs = dict(
        CHECK_ATTRS,
        checkpoint = attr.label(
            allow_files = True,
            doc = "The values of the graph's variables: a checkpoint rule, or the files of one.",
        ),
        graph = attr.label(allow_single_file = [".pb", ".pbtxt"], doc = "A GraphDef."),
        inputs = attr.string_list(doc = "Nodes that are fed, as name or name:2x3."),
        meta_graph = attr.label(allow_single_file = [".meta", ".pb", ".pbtxt"], doc = "A MetaGraphDef."),
        outputs = attr.string_list(allow_empty = False, doc = "Nodes to keep.", mandatory = True),
        saved_model = attr.label_list(allow_files = True, doc = "All files of a SavedModel."),
        saved_model_tags = attr.string_list(doc = "Which graph of the SavedModel; serve if nothing is said."),
        _freeze_graph = tool("freeze_graph"),
    ),
    provides = [GraphInfo],
)
