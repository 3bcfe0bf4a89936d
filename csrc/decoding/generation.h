// The loop of a language model that writes: feed a token, look at the logits, choose the next, until all are done.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/enumerators.h"
#include "core/staged_job.h"
#include "decoding/decoder.h"
#include "decoding/token_choice.h"

namespace day33 {

#define DAY33_STRATEGIES(X) X(greedy) X(sample) X(beam)
enum class Strategy { DAY33_STRATEGIES(DAY33_ENUMERATOR) };

// Throws std::invalid_argument for any other name.
Strategy parse_strategy(const std::string& name);

struct GenerationOptions {
  Strategy strategy = Strategy::greedy;
  int64_t max_len = 20;             // length that ends an answer, prompt included; one token is always chosen
  std::vector<int32_t> end_tokens;  // by prompt; -1 for none
  Sampling sampling;
  std::vector<uint64_t> keys, streams;  // by prompt; of the random numbers
  int64_t beams = 1;
  double length_penalty = 1.0;  // >= 0
  std::vector<int32_t> banned;  // never chosen
  std::vector<int32_t> forced;  // by number of the chosen token: taken whatever the model says; -1 for a free choice
  bool scores = false;
};

// An answer: what follows the prompt, with the log-probability of each token under the model (softmax of the logits as
// they are: before temperature, top_k, top_p and bans) where these were asked for.
struct Continuation {
  std::vector<int32_t> tokens;
  std::vector<float> scores;
  double sum = 0.0;  // of the scores; beams only
};

// Beam search keeps the `beams` open continuations of the largest summed log-probability. Of all their one-token
// extensions, taken from the largest sum down (on a tie the one of the earlier beam, then the lower token), those that
// end are put aside and the first `beams` others stay open. Continuations are ranked by sum / length^length_penalty,
// the end token counted. The search ends when `beams` were put aside and no open one can do better than the worst of
// the best `beams` of these, or at max_len, where the open ones are ranked too.
class Generation {
 public:
  // Prompts are not empty; every token is in [0, vocabulary). Throws std::invalid_argument otherwise.
  Generation(std::shared_ptr<const Decoder> decoder, std::vector<std::vector<int32_t>> prompts,
             GenerationOptions options);

  // Chooses up to `tokens` tokens for every prompt that is not done (prompts are fed on the way). False when all are
  // done. Throws std::invalid_argument where the logits are NaN and a token is to be sampled or searched for.
  bool generate(int64_t tokens);

  // While it is held, generate() of another thread waits: for reading the continuations.
  std::unique_lock<std::mutex> lock() { return std::unique_lock<std::mutex>(mutex_); }

  int64_t prompts() const { return static_cast<int64_t>(groups_.size()); }
  bool done(int64_t prompt) const { return groups_[prompt].done; }
  // Best first. Before a beam search is done, its open continuations.
  const std::vector<Continuation>& continuations(int64_t prompt) const;

 private:
  struct Group {
    std::vector<int32_t> prompt;
    int64_t fed = 0;  // tokens of the prompt
    std::vector<Continuation> open, finished;
    std::vector<int64_t> rows;   // of the state, by open continuation
    std::vector<float*> logits;  // by open continuation
    bool done = false, failed = false;
  };

  // The stages of StagedJob: those of a step, then the choice for every group with logits.
  friend class StagedJob<Generation>;
  int64_t items() const;
  void run(int64_t item, int thread);
  bool advance();

  bool begin_step();
  void choose(int64_t group);
  void choose_one(Group& group, int64_t index);
  void choose_beams(Group& group, int64_t index);
  double normalized(const Continuation& c) const;
  bool full(const Group& group, int64_t chosen) const;
  void ban(float* logits) const;
  int32_t forced(size_t number) const;

  const std::shared_ptr<const Decoder> decoder_;
  const GenerationOptions options_;
  std::vector<Group> groups_;
  const int64_t max_rows_;
  const int threads_;
  DecoderState state_;
  DecoderStep step_;
  Bytes logits_;
  std::vector<DecoderStep::Row> step_rows_;
  std::vector<int64_t> choosing_;  // groups that get a token at the end of this step
  bool in_step_ = false;
  int64_t tokens_left_ = 0;
  std::mutex mutex_;
};

}  // namespace day33
