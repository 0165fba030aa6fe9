// Finds the sample files that lie beside the project in ../shared/data and are not part of it.
#ifndef CRYOGRAPH_TESTS_SHARED_DATA_H_
#define CRYOGRAPH_TESTS_SHARED_DATA_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cryograph {

// Absolute path of `path` ("formats/v2_saver_tf115") below ../shared/data; an empty string if it is not
// there, and the test must then say that it skipped. The place is found by way of the symbolic links that
// Bazel makes to the sources of a test, or taken from the environment variable CRYOGRAPH_SHARED_DATA.
std::string SharedData(absl::string_view path);

}  // namespace cryograph

#endif  // CRYOGRAPH_TESTS_SHARED_DATA_H_
