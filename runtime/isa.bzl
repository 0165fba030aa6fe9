"""Loops that are compiled once for each instruction set and chosen between at run time."""

load("@rules_cc//cc:defs.bzl", "cc_library")

ISAS = {
    "sse2": [],
    "avx2": ["-mavx2", "-mfma", "-mf16c", "-mprefer-vector-width=256"],
    "avx512": [
        "-mavx512f",
        "-mavx512bw",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx2",
        "-mfma",
        "-mf16c",
        "-mprefer-vector-width=512",
    ],
}

def cc_isa_library(name, srcs, hdrs, deps = [], visibility = None):
    """A cc_library of which the sources are compiled once for each of ISAS.

    The sources open namespace CRYOGRAPH_ISA, which is the name of the instruction set, and keep all templates
    in it: the linker merges functions of one name, so that code for AVX-512 could end up on a path that every
    processor takes. NAME_ISA_isa_test makes sure that nothing merges.

    Args:
      name: the library with all variants in it.
      srcs: compiled once for each instruction set; headers that only they include are among them.
      hdrs: headers that declare the variants.
      deps: as for cc_library; headers of which only constants, types and declarations are used.
      visibility: of the library with all variants.
    """
    for isa, copts in ISAS.items():
        cc_library(
            name = "%s_%s" % (name, isa),
            srcs = srcs + hdrs,
            # GCC 12 warns of its own AVX-512 intrinsics; Clang does not know that warning.
            copts = [
                "-O3",
                "-ffp-contract=fast",
                "-fno-math-errno",
                "-fno-trapping-math",
                "-Wno-unknown-warning-option",
                "-Wno-maybe-uninitialized",
                "-Wno-psabi",
            ] + copts,
            linkstatic = True,
            local_defines = [
                "CRYOGRAPH_ISA=" + isa,
                "CRYOGRAPH_ISA_NAME=\\\"%s\\\"" % isa,
            ],
            visibility = ["//visibility:private"],
            deps = deps,
        )

        # A library's files reach a test through a filegroup only.
        native.filegroup(
            name = "%s_%s_objects" % (name, isa),
            srcs = [":%s_%s" % (name, isa)],
        )
        native.sh_test(
            name = "%s_%s_isa_test" % (name, isa),
            size = "small",
            srcs = ["//runtime:isa_test.sh"],
            args = [isa, "$(locations :%s_%s_objects)" % (name, isa)],
            data = [":%s_%s_objects" % (name, isa)],
        )

    cc_library(
        name = name,
        hdrs = hdrs,
        visibility = visibility,
        deps = [":%s_%s" % (name, isa) for isa in ISAS],
    )
