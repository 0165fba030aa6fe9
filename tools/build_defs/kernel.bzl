"""Build rules for op kernels."""

load("@rules_cc//cc:defs.bzl", "cc_library")

_KERNEL_TAG = "cryograph_kernels"

def _cases_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        output = script,
        is_executable = True,
        content = "#!/bin/sh\nexec \"{driver}\" {ops} \"$@\"\n".format(
            driver = ctx.executable.driver.short_path,
            ops = " ".join(ctx.attr.ops + [file.short_path for file in ctx.files.files]),
        ),
    )
    runfiles = ctx.runfiles(files = ctx.files.files).merge(ctx.attr.driver[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = script, runfiles = runfiles)]

cases_test = rule(
    implementation = _cases_test_impl,
    test = True,
    doc = "Runs the conformance cases of some ops, which lie beside the project; skips those if they do not.",
    attrs = {
        "driver": attr.label(
            mandatory = True,
            executable = True,
            cfg = "target",
            doc = "cases_test.cc with the kernels that are needed.",
        ),
        "files": attr.label_list(
            allow_files = [".cases"],
            doc = "Cases of this project.",
        ),
        "ops": attr.string_list(
            doc = "Names of .cases files beside the project.",
        ),
    },
)

def cryograph_kernels(name, cases, srcs = None, hdrs = [], deps = [], cases_not_yet = [], **kwargs):
    """A family of kernels: its library, and NAME_cases_test, which runs the conformance cases of its ops.

    Args:
      name: the family; also its source file (NAME.cc).
      cases: names of the .cases files that the family must pass.
      srcs: sources, if they are not NAME.cc alone.
      hdrs: headers that others include, if any.
      deps: what the sources include besides runtime/kernel.h and runtime/dispatch.h.
      cases_not_yet: names of .cases files that some case of still fails: NAME_cases_not_yet_test (manual) runs them.
      **kwargs: further attributes of the library.
    """
    cc_library(
        name = name,
        srcs = srcs or [name + ".cc"],
        hdrs = hdrs,
        tags = [_KERNEL_TAG],
        deps = depset([
            "//base:status_macros",
            "//graph:dtype",
            "//graph:tensor",
            "//runtime:dispatch",
            "//runtime:kernel",
            "//runtime:value",
            "@com_google_absl//absl/status",
            "@com_google_absl//absl/status:statusor",
            "@com_google_absl//absl/strings",
            "@com_google_absl//absl/types:span",
        ] + deps).to_list(),
        alwayslink = True,
        **kwargs
    )
    if cases:
        cases_test(
            name = name + "_cases_test",
            size = "small",
            timeout = "moderate",
            driver = ":cases",
            ops = cases,
            tags = ["local"],
        )
    if cases_not_yet:
        cases_test(
            name = name + "_cases_not_yet_test",
            size = "small",
            timeout = "moderate",
            driver = ":cases",
            ops = cases_not_yet,
            tags = [
                "local",
                "manual",
            ],
        )

def cryograph_all_kernels(name, families, **kwargs):
    """The kernels that ship. Must stand below every cryograph_kernels of its BUILD file.

    Args:
      name: of the library that links them all.
      families: labels of all families of this BUILD file; the build stops with the names of those that are missing.
      **kwargs: further attributes of the library.
    """
    declared = [
        ":" + rule["name"]
        for rule in native.existing_rules().values()
        if _KERNEL_TAG in (rule.get("tags") or [])
    ]
    missing = [label for label in declared if label not in families]
    if missing:
        fail("add to families of '%s': %s" % (name, ", ".join(missing)))
    cc_library(
        name = name,
        deps = families,
        **kwargs
    )

    # One program for the cases of all families: linking one for each would take longer than running them.
    native.cc_binary(
        name = "cases",
        testonly = True,
        deps = [
            ":" + name,
            "//runtime/cases:cases_test_main",
        ],
    )
