#include "decoding/generation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/names.h"
#include "core/philox.h"

namespace day33 {
namespace {

constexpr const char* kStrategyNames[] = {DAY33_STRATEGIES(DAY33_ENUMERATOR_NAME)};

}  // namespace

Strategy parse_strategy(const std::string& name) { return parse_name<Strategy>("strategy", name, kStrategyNames); }

Generation::Generation(std::shared_ptr<const Decoder> decoder, std::vector<std::vector<int32_t>> prompts,
                       GenerationOptions options)
    : decoder_(std::move(decoder)),
      options_(std::move(options)),
      max_rows_(static_cast<int64_t>(prompts.size()) * options_.beams),
      threads_(decoding_threads(*decoder_, max_rows_)),
      state_(*decoder_, max_rows_),
      step_(*decoder_, state_, max_rows_, threads_),
      logits_(max_rows_ * decoder_->logits_stride() * 4) {
  const auto check = [&](int64_t token, int64_t size, const char* name) {
    if (token < 0 || token >= size)
      throw std::invalid_argument(std::string(name) + " hold token " + std::to_string(token) + "; expected 0 to " +
                                  std::to_string(size - 1));
  };
  for (int32_t token : options_.banned) check(token, decoder_->logits(), "banned");
  for (int32_t token : options_.forced)
    if (token != -1) check(token, decoder_->logits(), "forced");
  if (decoder_->logits() > decoder_->vocabulary())
    throw std::invalid_argument("the model gives more logits than its embedding has rows");
  if (options_.end_tokens.size() != prompts.size() ||
      (options_.strategy == Strategy::sample &&
       (options_.keys.size() != prompts.size() || options_.streams.size() != prompts.size())))
    throw std::invalid_argument("end_tokens, keys, streams: expected one for each prompt");

  for (size_t p = 0; p < prompts.size(); ++p) {
    if (prompts[p].empty()) throw std::invalid_argument("prompts hold an empty one; expected at least one token each");
    for (int32_t token : prompts[p]) check(token, decoder_->vocabulary(), "prompts");
    Group group;
    group.prompt = std::move(prompts[p]);
    group.open.emplace_back();
    const int64_t first = static_cast<int64_t>(p) * options_.beams;
    group.rows.push_back(first);
    for (int64_t b = 0; b < options_.beams; ++b)
      group.logits.push_back(logits_.as<float>() + (first + b) * decoder_->logits_stride());
    groups_.push_back(std::move(group));
  }
}

const std::vector<Continuation>& Generation::continuations(int64_t prompt) const {
  const Group& group = groups_[prompt];
  return group.done && options_.strategy == Strategy::beam ? group.finished : group.open;
}

bool Generation::generate(int64_t tokens) {
  const std::lock_guard<std::mutex> lock(mutex_);
  tokens_left_ = tokens;
  if (tokens > 0 && begin_step()) StagedJob(*this, threads_).run();
  bool open = false;
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (groups_[g].failed)
      throw std::invalid_argument("the model's logits are NaN or infinite after " +
                                  std::to_string(groups_[g].open.front().tokens.size()) + " tokens of answer " +
                                  std::to_string(g));
    open = open || !groups_[g].done;
  }
  return open;
}

// ---- the stages ----

bool Generation::begin_step() {
  step_rows_.clear();
  choosing_.clear();
  for (size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    if (group.done) continue;
    const int64_t length = static_cast<int64_t>(group.prompt.size());
    const bool wanted = group.fed + 1 >= length;
    if (wanted) choosing_.push_back(static_cast<int64_t>(g));
    for (size_t i = 0; i < group.open.size(); ++i) {
      const int32_t token = group.fed < length ? group.prompt[group.fed] : group.open[i].tokens.back();
      const int64_t to = static_cast<int64_t>(g) * options_.beams + static_cast<int64_t>(i);
      step_rows_.push_back({group.rows[i], to, token, wanted ? group.logits[i] : nullptr});
      group.rows[i] = to;
    }
    group.fed = std::min(group.fed + 1, length);
  }
  if (step_rows_.empty()) return false;
  step_.begin(step_rows_);
  in_step_ = true;
  return true;
}

int64_t Generation::items() const { return in_step_ ? step_.items() : static_cast<int64_t>(choosing_.size()); }

void Generation::run(int64_t item, int thread) {
  if (in_step_)
    step_.run(item, thread);
  else
    choose(choosing_[item]);
}

bool Generation::advance() {
  if (in_step_) {
    in_step_ = step_.advance();
    return true;
  }
  if (!choosing_.empty() && --tokens_left_ == 0) return false;
  return begin_step();
}

// ---- choosing tokens ----

void Generation::choose(int64_t index) {
  Group& group = groups_[index];
  if (options_.strategy == Strategy::beam)
    choose_beams(group, index);
  else
    choose_one(group, index);
}

bool Generation::full(const Group& group, int64_t chosen) const {
  return static_cast<int64_t>(group.prompt.size()) + chosen >= options_.max_len;
}

int32_t Generation::forced(size_t number) const {
  return number < options_.forced.size() ? options_.forced[number] : -1;
}

void Generation::ban(float* logits, const Group& group, const Continuation& answer) const {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (int32_t token : options_.banned) logits[token] = kNever;
  const size_t limit = static_cast<size_t>(options_.max_repeats), length = group.prompt.size() + answer.tokens.size();
  if (limit == 0 || length < limit) return;
  const auto from_end = [&](size_t back) {
    return back < answer.tokens.size() ? answer.tokens[answer.tokens.size() - 1 - back]
                                       : group.prompt[length - 1 - back];
  };
  size_t run = 1;
  while (run < limit && from_end(run) == from_end(0)) ++run;
  if (run == limit && from_end(0) < decoder_->logits()) logits[from_end(0)] = kNever;
}

void Generation::choose_one(Group& group, int64_t index) {
  Continuation& answer = group.open.front();
  float* logits = group.logits.front();
  const Kernels& kernels = decoder_->kernels();
  const int64_t O = decoder_->logits();
  const double log_sum = options_.scores ? log_sum_exp(kernels, logits, O) : 0.0;
  int64_t token = forced(answer.tokens.size());
  float logit = token >= 0 ? logits[token] : 0.0f;
  if (token < 0) {
    ban(logits, group, answer);
    token = kernels.arg_max(logits, O);
    if (options_.strategy == Strategy::sample) {
      // Sampling overwrites the logits, so they are copied for the score.
      const std::vector<float> before = options_.scores ? std::vector<float>(logits, logits + O) : std::vector<float>();
      token = sample_token(kernels, logits, O, options_.sampling,
                           uniform(options_.keys[index], options_.streams[index], answer.tokens.size()));
      if (token < 0) {
        group.failed = group.done = true;
        return;
      }
      if (options_.scores) logit = before[token];
    } else {
      logit = logits[token];
    }
  }
  answer.tokens.push_back(static_cast<int32_t>(token));
  if (options_.scores) answer.scores.push_back(static_cast<float>(static_cast<double>(logit) - log_sum));
  group.done = token == options_.end_tokens[index] || full(group, static_cast<int64_t>(answer.tokens.size()));
}

double Generation::normalized(const Continuation& c) const {
  return c.sum / std::pow(static_cast<double>(c.tokens.size()), options_.length_penalty);
}

void Generation::choose_beams(Group& group, int64_t index) {
  struct Extension {
    double sum;
    size_t parent;
    int32_t token;
    float score;
  };
  const size_t beams = static_cast<size_t>(options_.beams);
  const int64_t O = decoder_->logits();
  const size_t number = group.open.front().tokens.size();
  std::vector<Extension> extensions;
  for (size_t i = 0; i < group.open.size(); ++i) {
    float* logits = group.logits[i];
    const double log_sum = log_sum_exp(decoder_->kernels(), logits, O);
    if (!std::isfinite(log_sum)) {
      group.failed = group.done = true;
      return;
    }
    std::vector<TokenLogit> best;
    if (forced(number) >= 0) {
      best.push_back({logits[forced(number)], forced(number)});
    } else {
      ban(logits, group, group.open[i]);
      best = largest_logits(logits, O,
                            static_cast<int64_t>(beams) + 1);  // one more, since one of them may be the end token
    }
    for (const TokenLogit& b : best) {
      const float score = static_cast<float>(static_cast<double>(b.logit) - log_sum);
      extensions.push_back({group.open[i].sum + static_cast<double>(score), i, b.token, score});
    }
  }
  std::stable_sort(extensions.begin(), extensions.end(),
                   [](const Extension& a, const Extension& b) { return a.sum > b.sum; });

  std::vector<Continuation> open;
  std::vector<int64_t> rows;
  for (const Extension& extension : extensions) {
    if (open.size() == beams) break;
    Continuation next = group.open[extension.parent];
    next.tokens.push_back(extension.token);
    next.scores.push_back(extension.score);
    next.sum = extension.sum;
    if (extension.token == options_.end_tokens[index]) {
      group.finished.push_back(std::move(next));
    } else {
      open.push_back(std::move(next));
      rows.push_back(group.rows[extension.parent]);
    }
  }
  group.open = std::move(open);
  group.rows = std::move(rows);

  const bool stop = full(group, static_cast<int64_t>(number) + 1);
  if (stop)
    for (Continuation& c : group.open) group.finished.push_back(std::move(c));
  std::stable_sort(group.finished.begin(), group.finished.end(),
                   [&](const Continuation& a, const Continuation& b) { return normalized(a) > normalized(b); });
  if (group.finished.size() > beams) group.finished.resize(beams);
  group.done = stop || group.open.empty();
  if (group.done || group.finished.size() < beams) return;
  // Sums never grow, so the best rank that an open continuation can reach is its sum over the greatest length.
  const double longest = static_cast<double>(options_.max_len - static_cast<int64_t>(group.prompt.size()));
  const double reach = group.open.front().sum / std::pow(longest, options_.length_penalty);
  group.done = normalized(group.finished.back()) >= reach;
}

}  // namespace day33
