#include "../../src/model/answers.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/core/json.hpp"

namespace xai {
namespace {

// The table that tests/python/export_own_test.py reads too: xai-export and the programs judge alike.
TEST(Answers, AreJudgedAsTheTableSays) {
  const std::map<std::string, AnswerKind> kinds{{"logits", AnswerKind::logits},
                                                {"probabilities", AnswerKind::probabilities},
                                                {"percentages", AnswerKind::percentages},
                                                {"sigmoid", AnswerKind::sigmoids}};
  const Json table =
      Json::parse(read_file(std::filesystem::path(XAI_SOURCE_DIR) / "tests/fixtures/outputs.json"));
  ASSERT_GT(table.size(), 15u);
  std::map<AnswerKind, int> seen;
  for (const Json& entry : table) {
    const auto rows = entry.at("rows").get<std::vector<std::vector<double>>>();
    std::vector<at::Tensor> tensors;
    for (const auto& row : rows) tensors.push_back(at::tensor(row, at::kFloat));
    const AnswerKind kind = judge(at::stack(tensors), 1e-3).kind;
    EXPECT_EQ(kind, kinds.at(entry.at("kind").get<std::string>())) << entry.dump();
    ++seen[kind];
  }
  EXPECT_EQ(seen.size(), kinds.size());
}

TEST(Answers, OfLowPrecisionHaveAWiderTolerance) {
  const at::Tensor rows = at::tensor({0.3, 0.71, 0.6, 0.4}, at::kFloat).view({2, 2});
  EXPECT_EQ(judge(rows, 1e-3).kind, AnswerKind::sigmoids);
  EXPECT_EQ(judge(rows, 2e-2).kind, AnswerKind::probabilities);
}

TEST(Answers, CarryWhatAMessageSays) {
  const Answers answers = judge(at::tensor({-1.0, 2.0, 0.5, 4.0}, at::kFloat).view({2, 2}), 1e-3);
  EXPECT_EQ(answers.low, -1);
  EXPECT_EQ(answers.high, 4);
  EXPECT_EQ(answers.least_sum, 1);
  EXPECT_EQ(answers.most_sum, 4.5);
}

}  // namespace
}  // namespace xai
