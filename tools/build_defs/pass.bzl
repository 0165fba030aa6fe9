"""Build rules for graph transform passes."""

load("@rules_cc//cc:defs.bzl", "cc_library")

_PASS_TAG = "cryograph_pass"

def _golden_pass_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    files = [ctx.file.graph]
    if ctx.file.golden:
        files.append(ctx.file.golden)
    ctx.actions.write(
        output = script,
        is_executable = True,
        content = "#!/bin/sh\nexec \"{driver}\" \"$@\" {files}\n".format(
            driver = ctx.executable._driver.short_path,
            files = " ".join(["'%s'" % f.short_path for f in files]),
        ),
    )
    runfiles = ctx.runfiles(files = files).merge(ctx.attr._driver[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = script, runfiles = runfiles)]

golden_pass_test = rule(
    implementation = _golden_pass_test_impl,
    test = True,
    doc = """Runs the pipeline named in `graph` and compares the result with `golden`.

`bazelw run //transforms:NAME -- --update` rewrites the golden of one case.""",
    attrs = {
        "graph": attr.label(
            mandatory = True,
            allow_single_file = [".in.pbtxt"],
            doc = "Input GraphDef; its `# pass:` line names the pipeline.",
        ),
        "golden": attr.label(
            allow_single_file = [".out.pbtxt"],
            doc = "The GraphDef that comes out. Absent if the case has an `# error:` line.",
        ),
        "_driver": attr.label(
            default = "//transforms:golden_test_driver",
            executable = True,
            cfg = "target",
            doc = "The tool that runs a case.",
        ),
    },
)

def cryograph_pass(name, srcs = None, hdrs = [], deps = [], **kwargs):
    """A pass: its library, and one golden test for each case in testdata/NAME.

    Args:
      name: the pass as a spec names it; also its source file (NAME.cc) and the folder of its cases.
      srcs: sources, if they are not NAME.cc alone.
      hdrs: headers that others include, if any.
      deps: what the sources include besides transforms/pass.h and what it brings along.
      **kwargs: further attributes of the library.
    """
    folder = "testdata/" + name + "/"
    cases = native.glob([folder + "*.in.pbtxt"])
    if not cases:
        fail("pass '%s' has no test: add %s<what it shows>.in.pbtxt and .out.pbtxt" % (name, folder))
    cc_library(
        name = name,
        srcs = srcs or [name + ".cc"],
        hdrs = hdrs,
        tags = [_PASS_TAG],
        deps = depset([
            ":pass",
            "//base:status_macros",
            "//graph",
            "@com_google_absl//absl/status",
            "@com_google_absl//absl/status:statusor",
            "@com_google_absl//absl/strings",
        ] + deps).to_list(),
        alwayslink = True,
        **kwargs
    )
    goldens = {path: True for path in native.glob([folder + "*.out.pbtxt"])}
    for case in cases:
        stem = case[len(folder):-len(".in.pbtxt")]
        golden = folder + stem + ".out.pbtxt"
        golden_pass_test(
            name = "%s_%s_test" % (name, stem),
            size = "small",
            graph = case,
            golden = golden if golden in goldens else None,
        )
        if golden in goldens:
            goldens.pop(golden)
    if goldens:
        fail("no input for %s: a golden's input has its name with .in.pbtxt" % ", ".join(goldens.keys()))

def cryograph_all_passes(name, passes, **kwargs):
    """The passes that ship. Must stand below every cryograph_pass of its BUILD file.

    Args:
      name: of the library that links them all.
      passes: labels of all passes of this BUILD file; the build stops with the names of those that are missing.
      **kwargs: further attributes of the library.
    """
    declared = [
        ":" + rule["name"]
        for rule in native.existing_rules().values()
        if _PASS_TAG in (rule.get("tags") or [])
    ]
    missing = [label for label in declared if label not in passes]
    if missing:
        fail("add to passes of '%s': %s" % (name, ", ".join(missing)))
    cc_library(
        name = name,
        deps = passes,
        **kwargs
    )
