"""Checkpoints from tensors that are written down."""

load("//tools/rules:graph_info.bzl", "tool")

def _checkpoint_impl(ctx):
    index = ctx.actions.declare_file(ctx.label.name + ".index")
    data = ctx.actions.declare_file(ctx.label.name + ".data-00000-of-00001")
    args = ctx.actions.args()
    args.add(ctx.file.tensors, format = "--tensors=%s")
    args.add("--checkpoint=" + index.path[:-len(".index")])
    ctx.actions.run(
        arguments = [args],
        executable = ctx.executable._write_checkpoint,
        inputs = [ctx.file.tensors],
        mnemonic = "WriteCheckpoint",
        outputs = [index, data],
        progress_message = "Writing checkpoint %s" % ctx.label,
    )
    return [DefaultInfo(files = depset([index, data]), runfiles = ctx.runfiles([index, data]))]

checkpoint = rule(
    implementation = _checkpoint_impl,
    doc = "A V2 checkpoint, NAME.index and NAME.data-00000-of-00001.",
    attrs = {
        "tensors": attr.label(
            allow_single_file = [".pbtxt", ".pb"],
            doc = "A graph; its Const nodes are the tensors.",
            mandatory = True,
        ),
        "_write_checkpoint": tool("write_checkpoint"),
    },
)
