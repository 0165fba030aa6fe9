/* Tells the digits in pictures of 12 x 12 floats: embed_c MODEL PICTURES */
#include <stdint.h>
#include <stdio.h>

#include "cryograph/cryograph.h"

enum { kSide = 12, kMaxPictures = 64 };

static float pictures[kMaxPictures * kSide * kSide];

static int tell_digits(cryograph_call* call, int64_t count) {
  const int64_t shape[] = {count, kSide, kSide, 1};
  const char* const fetches[] = {"probabilities"};
  cryograph_tensor image = {CRYOGRAPH_FLOAT, 4, shape, pictures, 0};
  cryograph_tensor result;
  int code;

  image.bytes = (size_t)count * kSide * kSide * sizeof(float);
  if ((code = cryograph_feed(call, "image", &image)) != CRYOGRAPH_OK) return code;
  if ((code = cryograph_run(call, fetches, 1)) != CRYOGRAPH_OK) return code;
  if ((code = cryograph_fetch(call, fetches[0], &result)) != CRYOGRAPH_OK) return code;

  const float* row = result.data;
  for (int64_t i = 0; i < result.shape[0]; ++i, row += result.shape[1]) {
    int64_t best = 0;
    for (int64_t j = 1; j < result.shape[1]; ++j) {
      if (row[j] > row[best]) best = j;
    }
    printf("%d\n", (int)best);
  }
  return CRYOGRAPH_OK;
}

int main(int argc, char** argv) {
  cryograph_model* model = NULL;
  cryograph_call* call = NULL;
  if (argc != 3) {
    fprintf(stderr, "usage: embed_c MODEL PICTURES\n");
    return 2;
  }
  FILE* file = fopen(argv[2], "rb");
  if (file == NULL) {
    perror(argv[2]);
    return 1;
  }
  const size_t floats = fread(pictures, sizeof(float), sizeof(pictures) / sizeof(float), file);
  fclose(file);

  int code = cryograph_model_load(argv[1], NULL, &model);
  if (code == CRYOGRAPH_OK) code = cryograph_call_new(model, &call);
  if (code == CRYOGRAPH_OK) code = tell_digits(call, (int64_t)(floats / (kSide * kSide)));
  if (code != CRYOGRAPH_OK) fprintf(stderr, "embed_c: %s\n", cryograph_last_error());
  cryograph_call_release(call);
  cryograph_model_release(model);
  return code == CRYOGRAPH_OK ? 0 : 1;
}
