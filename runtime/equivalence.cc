#include "runtime/equivalence.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/topological_order.h"

namespace cryograph {
namespace {

// Feeds of nodes that `model` no longer has are left out: a pass may remove an input that nothing reads.
struct Feeds {
  std::vector<std::string> names;
  std::vector<size_t> kept;  // Their places in the request.

  Feeds(Model& model, const std::vector<std::string>& inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const absl::string_view node = absl::string_view(inputs[i]).substr(0, inputs[i].find(':'));
      if (!model.graph().Find(node)) continue;
      names.push_back(inputs[i]);
      kept.push_back(i);
    }
  }
  std::vector<Value> Of(const FeedBatch& batch) const {
    std::vector<Value> values;
    for (const size_t i : kept) values.push_back(batch.values[i]);
    return values;
  }
};

// Inner tensors are fetched this many at a time, so that not all of them are alive at once.
constexpr size_t kProbesAtOnce = 64;

absl::Status In(const absl::Status& status, const FeedBatch& batch) {
  if (status.ok() || batch.source.empty()) return status;
  return absl::Status(status.code(), absl::StrCat("with ", batch.source, ": ", status.message()));
}

// Limits and cancellation are nobody's fault but the caller's.
bool IsLimit(const absl::Status& status) {
  return absl::IsDeadlineExceeded(status) || absl::IsCancelled(status) || absl::IsResourceExhausted(status);
}

absl::StatusOr<std::unique_ptr<Executor>> Open(const Model& model, const ExecutorOptions& options,
                                               const Prepare& prepare) {
  ASSIGN_OR_RETURN(std::unique_ptr<Executor> executor, Executor::Create(model.Clone(), options));
  Model own = model.Clone();
  if (prepare) RETURN_IF_ERROR(prepare(own, *executor));
  return executor;
}

}  // namespace

bool EquivalenceReport::ok() const {
  if (!failure.ok()) return false;
  for (const Batch& batch : batches) {
    for (const OutputDifference& output : batch.outputs) {
      if (!output.difference.ok()) return false;
    }
  }
  return true;
}

const OutputDifference* EquivalenceReport::worst() const {
  const OutputDifference* worst = nullptr;
  for (const Batch& batch : batches) {
    for (const OutputDifference& output : batch.outputs) {
      if (output.difference.ok()) continue;
      if (worst == nullptr || output.difference.max_absolute > worst->difference.max_absolute)
        worst = &output;
    }
  }
  return worst;
}

std::string EquivalenceReport::Text() const {
  if (!failure.ok()) return absl::StrCat("cannot be run: ", failure.message(), "\n");
  std::string text;
  if (batches.empty()) return text;
  for (size_t i = 0; i < batches[0].outputs.size(); ++i) {
    // The batch in which this output is furthest off, a mismatch of shapes first.
    const Batch* worst_batch = &batches[0];
    const auto rank = [i](const Batch& batch) {
      const TensorDifference& difference = batch.outputs[i].difference;
      return std::make_tuple(!difference.mismatch.empty(), !difference.ok(), difference.max_absolute);
    };
    for (const Batch& batch : batches) {
      if (rank(batch) > rank(*worst_batch)) worst_batch = &batch;
    }
    const OutputDifference& output = worst_batch->outputs[i];
    absl::StrAppend(&text, output.output, ": ", DifferenceText(output.difference));
    if (batches.size() > 1 && !output.difference.before_text.empty()) {
      absl::StrAppend(&text, " (", worst_batch->source, ")");
    }
    absl::StrAppend(&text, "\n");
  }
  if (!first_diverging.empty()) {
    absl::StrAppend(&text, "first tensor that differs: ", first_diverging, ": ", first_diverging_text, "\n");
  }
  return text;
}

absl::StatusOr<std::unique_ptr<ReferenceOutputs>> ReferenceOutputs::Compute(const Model& model,
                                                                            EquivalenceRequest request,
                                                                            std::vector<FeedBatch> batches) {
  auto reference = std::unique_ptr<ReferenceOutputs>(
      new ReferenceOutputs(model.Clone(), std::move(request), std::move(batches)));
  ASSIGN_OR_RETURN(reference->expected_, reference->RunReference());
  return reference;
}

absl::StatusOr<std::vector<std::vector<Tensor>>> ReferenceOutputs::RunReference() const {
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   Open(model_, request_.executor, request_.prepare));
  ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan,
                   executor->MakePlan({request_.inputs, request_.outputs, {}}));
  std::vector<std::vector<Tensor>> outputs;
  for (const FeedBatch& batch : batches_) {
    absl::StatusOr<std::vector<Value>> values = executor->Run(*plan, batch.values, request_.run);
    if (!values.ok()) return In(values.status(), batch);
    std::vector<Tensor>& of_batch = outputs.emplace_back();
    for (size_t i = 0; i < values->size(); ++i) {
      absl::StatusOr<Tensor> tensor = (*values)[i].ToTensor();
      if (!tensor.ok()) {
        return absl::Status(tensor.status().code(),
                            absl::StrCat("output '", request_.outputs[i], "': ", tensor.status().message()));
      }
      of_batch.push_back(*std::move(tensor));
    }
  }
  return outputs;
}

absl::Status ReferenceOutputs::CheckRepeatable(const Tolerance& tolerance) const {
  ASSIGN_OR_RETURN(const std::vector<std::vector<Tensor>> again, RunReference());
  for (size_t batch = 0; batch < again.size(); ++batch) {
    for (size_t i = 0; i < again[batch].size(); ++i) {
      ASSIGN_OR_RETURN(const TensorDifference difference,
                       CompareTensors(expected_[batch][i], again[batch][i], tolerance));
      if (difference.ok()) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "output '", request_.outputs[i], "' cannot be compared: the model that was not changed ",
          "does not give it twice: ", DifferenceText(difference),
          "\nwhy: it depends on random numbers without a seed",
          "\ntry: seeds for the random ops, or a value for what they compute, as for an input"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<EquivalenceReport> ReferenceOutputs::Check(const Model& model, const Prepare& prepare,
                                                          const Tolerance& tolerance) const {
  EquivalenceReport report;
  const auto fails = [&report](const absl::Status& status) -> absl::StatusOr<EquivalenceReport> {
    if (IsLimit(status)) return status;
    report.failure = status;
    return std::move(report);
  };
  Model own = model.Clone();
  const Feeds feeds(own, request_.inputs);
  absl::StatusOr<std::unique_ptr<Executor>> executor = Open(model, request_.executor, prepare);
  if (!executor.ok()) return fails(executor.status());
  const absl::StatusOr<std::shared_ptr<const Plan>> plan =
      (*executor)->MakePlan({feeds.names, request_.outputs, {}});
  if (!plan.ok()) return fails(plan.status());
  size_t bad_batch = batches_.size();
  for (size_t batch = 0; batch < batches_.size(); ++batch) {
    const absl::StatusOr<std::vector<Value>> values =
        (*executor)->Run(**plan, feeds.Of(batches_[batch]), request_.run);
    if (!values.ok()) return fails(In(values.status(), batches_[batch]));
    EquivalenceReport::Batch& result = report.batches.emplace_back();
    result.source = batches_[batch].source;
    for (size_t i = 0; i < values->size(); ++i) {
      ASSIGN_OR_RETURN(const Tensor after, (*values)[i].ToTensor());
      OutputDifference& output = result.outputs.emplace_back();
      output.output = request_.outputs[i];
      ASSIGN_OR_RETURN(output.difference, CompareTensors(expected_[batch][i], after, tolerance));
      if (!output.difference.ok()) bad_batch = std::min(bad_batch, batch);
    }
  }
  if (bad_batch == batches_.size()) return report;
  RETURN_IF_ERROR(CheckRepeatable(tolerance));
  RETURN_IF_ERROR(FindFirstDiverging(model, prepare, tolerance, bad_batch, &report));
  return report;
}

absl::Status ReferenceOutputs::FindFirstDiverging(const Model& model, const Prepare& prepare,
                                                  const Tolerance& tolerance, size_t batch,
                                                  EquivalenceReport* report) const {
  Model before = model_.Clone(), after = model.Clone();
  const std::vector<std::string> names = CommonNodes(before, after);
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> first, Open(before, request_.executor, request_.prepare));
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> second, Open(after, request_.executor, prepare));
  // A node that cannot be fetched in either model (dead, of no values, behind an input that is not fed) says
  // nothing.
  const Feeds first_feeds(before, request_.inputs), second_feeds(after, request_.inputs);
  const auto fetch = [&](Executor& executor, const Feeds& feeds,
                         const std::vector<std::string>& fetches) -> absl::StatusOr<std::vector<Value>> {
    ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan, executor.MakePlan({feeds.names, fetches, {}}));
    return executor.Run(*plan, feeds.Of(batches_[batch]), request_.run);
  };
  const auto differs = [&](const Value& a, const Value& b, TensorDifference* difference) {
    const absl::StatusOr<Tensor> x = a.ToTensor(), y = b.ToTensor();
    if (!x.ok() || !y.ok()) return false;
    absl::StatusOr<TensorDifference> compared = CompareTensors(*x, *y, tolerance);
    if (!compared.ok()) return false;
    *difference = *std::move(compared);
    return !difference->ok();
  };
  for (size_t begin = 0; begin < names.size(); begin += kProbesAtOnce) {
    const size_t end = std::min(names.size(), begin + kProbesAtOnce);
    const std::vector<std::string> group(names.begin() + static_cast<ptrdiff_t>(begin),
                                         names.begin() + static_cast<ptrdiff_t>(end));
    absl::StatusOr<std::vector<Value>> a = fetch(*first, first_feeds, group),
                                       b = fetch(*second, second_feeds, group);
    for (size_t i = 0; i < group.size(); ++i) {
      TensorDifference difference;
      if (a.ok() && b.ok()) {
        if (!differs((*a)[i], (*b)[i], &difference)) continue;
      } else {
        const absl::StatusOr<std::vector<Value>> x = fetch(*first, first_feeds, {group[i]}),
                                                 y = fetch(*second, second_feeds, {group[i]});
        if (!x.ok() || !y.ok() || !differs((*x)[0], (*y)[0], &difference)) continue;
      }
      report->first_diverging = group[i];
      report->first_diverging_text = DifferenceText(difference);
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> CommonNodes(Model& before, Model& after) {
  std::vector<std::string> names;
  for (const NodeId id : StableOrder(before.graph()).order) {
    const Node node = before.graph().node(id);
    if (after.graph().Find(node.name())) names.emplace_back(node.name());
  }
  return names;
}

}  // namespace cryograph
