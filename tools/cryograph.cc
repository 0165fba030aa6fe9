// The program of every tool: alone under its own name, or all of them behind `cryograph TOOL`.
#include "tools/cli.h"

int main(int argc, char** argv) { return cryograph::cli::Main(argc, argv); }
