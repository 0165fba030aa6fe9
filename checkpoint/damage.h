// What a user is told of damaged checkpoints: the defect, the likely reason, what to try.
#ifndef CRYOGRAPH_CHECKPOINT_DAMAGE_H_
#define CRYOGRAPH_CHECKPOINT_DAMAGE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// A DataLoss as CG113 with a reason and an advice; any other status, and one that has an identifier already,
// unchanged.
absl::Status Damage(const absl::Status& status);

// 'name' with escapes; "'name' (a slice of it)" of a key under which a slice is stored.
std::string QuotedKey(absl::string_view key);

// CG113 for a data file, one of `num_shards`, that cannot be opened although tensor `key` lies in it.
absl::Status MissingShard(const absl::Status& status, absl::string_view key, int num_shards);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_DAMAGE_H_
