// The loop of text generation: feed a token, compute the logits, choose the next token, until all answers are complete.
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
  int64_t max_len = 20;             // length at which an answer ends, prompt included; at least one token is chosen
  std::vector<int32_t> end_tokens;  // by prompt; -1 for none
  Sampling sampling;
  std::vector<uint64_t> keys, streams;  // by prompt, of the random numbers
  int64_t beams = 1;
  double length_penalty = 1.0;  // >= 0
  std::vector<int32_t> banned;  // never chosen
  int64_t max_repeats = 0;      // how often a token may stand in a row, prompt included; 0 for no limit
  std::vector<int32_t>
      forced;  // by position in the answer: the token to choose whatever the model says; -1 for a free choice
  bool scores = false;
};

// An answer: the tokens after the prompt and, if wanted, the log-probability of each token under the model (softmax of
// the logits before temperature, top_k, top_p and bans).
struct Continuation {
  std::vector<int32_t> tokens;
  std::vector<float> scores;
  double sum = 0.0;  // of the scores; beams only
};

// Beam search keeps the `beams` open continuations with the largest sums of log-probabilities. Of all their extensions
// by one token, in descending order of the sum (on a tie the one of the earlier beam first, then the lower token),
// those that end are finished, and the first `beams` others stay open. Finished continuations are ranked by sum /
// length^length_penalty, where the end token counts. The search ends when `beams` are finished and no open one can
// reach the rank of the worst of the best `beams`, or at max_len, where the open ones are ranked, too.
class Generation {
 public:
  // Prompts are not empty; every token is in [0, vocabulary). Throws std::invalid_argument otherwise.
  Generation(std::shared_ptr<const Decoder> decoder, std::vector<std::vector<int32_t>> prompts,
             GenerationOptions options);

  // Feeds the prompts and chooses up to `tokens` tokens for each of them that is not done. Returns false when all are
  // done. Throws std::invalid_argument if logits are NaN when a token is sampled or in beam search.
  bool generate(int64_t tokens);

  // While the lock is held, generate() in other threads waits, so that the continuations can be read.
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

  // The stages of the StagedJob: those of a step, then the choice of a token for every group that has logits.
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
  void ban(float* logits, const Group& group, const Continuation& answer) const;
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
  std::vector<int64_t> choosing_;  // groups for which a token is chosen at the end of this step
  bool in_step_ = false;
  int64_t tokens_left_ = 0;
  std::mutex mutex_;
};

}  // namespace day33
