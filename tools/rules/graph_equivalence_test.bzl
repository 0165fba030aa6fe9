"""Tests that two graphs compute the same."""

load("//tools/rules:graph_info.bzl", "GraphInfo")

def _graph_equivalence_test_impl(ctx):
    before = ctx.attr.before[GraphInfo]
    after = ctx.attr.after[GraphInfo]
    arguments = [
        "--outputs=" + ",".join(ctx.attr.outputs or before.outputs),
        "--ignore=default_attrs" + (",device" if ctx.attr.ignore_device else ""),
        "--tolerance=" + ctx.attr.tolerance,
        after.graph.short_path,
        before.graph.short_path,
    ]
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        content = "#!/bin/sh\nexec %s %s\n" % (
            ctx.executable._compare_graphs.short_path,
            " ".join(["'%s'" % argument for argument in arguments]),
        ),
        is_executable = True,
        output = script,
    )
    runfiles = ctx.runfiles([before.graph, after.graph])
    return [
        DefaultInfo(
            executable = script,
            runfiles = runfiles.merge(ctx.attr._compare_graphs[DefaultInfo].default_runfiles),
        ),
        coverage_common.instrumented_files_info(ctx, dependency_attributes = ["_compare_graphs"]),
    ]

graph_equivalence_test = rule(
    implementation = _graph_equivalence_test_impl,
    doc = "Passes if the outputs of both graphs are computed by the same ops over the same inputs. Names of nodes, " +
          "nodes that only forward, and nodes that no output needs may differ.",
    attrs = {
        "after": attr.label(doc = "A target that makes a graph.", mandatory = True, providers = [GraphInfo]),
        "before": attr.label(doc = "The one it must equal.", mandatory = True, providers = [GraphInfo]),
        "ignore_device": attr.bool(default = True, doc = "Whether nodes may be placed on other devices."),
        "outputs": attr.string_list(doc = "Nodes to compare, if not those of before."),
        "tolerance": attr.string(
            default = "0",
            doc = "The largest difference between elements of float constants that passes.",
        ),
        "_compare_graphs": attr.label(
            cfg = "target",
            default = "//tools:compare_graphs",
            executable = True,
        ),
    },
    test = True,
)
