/* Runs models inside of a program, in C: load, feed by name, run, fetch by name.
 *
 * Errors: a function that returns int returns CRYOGRAPH_OK or the code of what went wrong;
 * cryograph_last_error() says it in words. Nothing is changed by a call that fails, except that
 * cryograph_run() takes the feeds.
 *
 * Ownership: what a function makes, the caller releases with the function of that name; releasing NULL does
 * nothing. Feeds are copied. Results belong to their call.
 *
 * Threads: one model serves any number of threads. A cryograph_call is one caller's feeds and results; it is
 * used by one thread at a time, so each thread makes its own. Calls keep what they need of the model when it
 * is released. */
#ifndef CRYOGRAPH_CRYOGRAPH_CRYOGRAPH_H_
#define CRYOGRAPH_CRYOGRAPH_CRYOGRAPH_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cryograph_model cryograph_model;
typedef struct cryograph_call cryograph_call;

/* Codes; any other than 0 is an error. Numbers are those of absl::StatusCode, of which others may occur. */
enum {
  CRYOGRAPH_OK = 0,
  CRYOGRAPH_CANCELLED = 1,
  CRYOGRAPH_INVALID_ARGUMENT = 3,
  CRYOGRAPH_DEADLINE_EXCEEDED = 4,
  CRYOGRAPH_NOT_FOUND = 5,
  CRYOGRAPH_RESOURCE_EXHAUSTED = 8,
  CRYOGRAPH_FAILED_PRECONDITION = 9,
  CRYOGRAPH_OUT_OF_RANGE = 11,
  CRYOGRAPH_UNIMPLEMENTED = 12,
  CRYOGRAPH_INTERNAL = 13,
  CRYOGRAPH_DATA_LOSS = 15
};

/* Element types. Numbers are those of tensorflow.DataType, of which others may occur. */
enum {
  CRYOGRAPH_FLOAT = 1,
  CRYOGRAPH_DOUBLE = 2,
  CRYOGRAPH_INT32 = 3,
  CRYOGRAPH_UINT8 = 4,
  CRYOGRAPH_INT16 = 5,
  CRYOGRAPH_INT8 = 6,
  CRYOGRAPH_STRING = 7,
  CRYOGRAPH_COMPLEX64 = 8,
  CRYOGRAPH_INT64 = 9,
  CRYOGRAPH_BOOL = 10,
  CRYOGRAPH_BFLOAT16 = 14,
  CRYOGRAPH_UINT16 = 17,
  CRYOGRAPH_COMPLEX128 = 18,
  CRYOGRAPH_HALF = 19,
  CRYOGRAPH_UINT32 = 22,
  CRYOGRAPH_UINT64 = 23
};

/* An element of a tensor of strings: bytes, not ended by a zero. */
typedef struct cryograph_string {
  const char* data;
  size_t size;
} cryograph_string;

/* Shows a tensor that somebody else owns. */
typedef struct cryograph_tensor {
  int32_t dtype;
  int32_t rank;
  const int64_t* shape; /* `rank` dimensions; may be NULL if rank is 0. */
  const void* data;     /* Row major; of CRYOGRAPH_STRING an array of cryograph_string. */
  size_t bytes;         /* Size of `data`: elements times that of one. */
} cryograph_tensor;

/* Set all to zero and then what you want: zero and NULL mean the default. */
typedef struct cryograph_options {
  const char* tags;            /* Of a SavedModel's graph, by commas. */
  const char* checkpoint;      /* Where variables are; a SavedModel's own are found. */
  int32_t threads;             /* Of a run, the caller's counted: 1. Results do not depend on it. */
  uint64_t memory_limit_bytes; /* For all values alive at a time, in all runs: none. */
  double time_limit_seconds;   /* For each run: none. */
  const char* init_nodes;      /* Run once at loading, by commas: those that fill tables, say. */
  int32_t allow_file_writes;   /* By ops of the model: SaveV2, WriteFile. It may name any path: 0, no. */
} cryograph_options;

/* What went wrong in the last call of this thread that failed, "" if none has: a line, and perhaps others
 * that say why and what to do. Valid until this thread's next failure. */
const char* cryograph_last_error(void);

/* Reads a frozen graph, GraphDef, MetaGraphDef or SavedModel, with its variables and tables. `options` may be
 * NULL. */
int cryograph_model_load(const char* path, const cryograph_options* options, cryograph_model** model);
void cryograph_model_release(cryograph_model* model);

int cryograph_call_new(const cryograph_model* model, cryograph_call** call);
void cryograph_call_release(cryograph_call* call);

/* Gives a tensor, "name" or "name:index", its value for the next run. A wrong name is CRYOGRAPH_NOT_FOUND,
 * and the message has the names nearest to it; a wrong type or size CRYOGRAPH_INVALID_ARGUMENT. */
int cryograph_feed(cryograph_call* call, const char* name, const cryograph_tensor* tensor);

/* Computes `count` tensors from the feeds, which hold for one run. Results of the run before are gone. */
int cryograph_run(cryograph_call* call, const char* const* fetches, size_t count);

/* Shows a result of the last run: valid until the call's next cryograph_run() or its release. */
int cryograph_fetch(cryograph_call* call, const char* name, cryograph_tensor* tensor);

#ifdef __cplusplus
}
#endif

#endif /* CRYOGRAPH_CRYOGRAPH_CRYOGRAPH_H_ */
