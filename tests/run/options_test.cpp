#include <gtest/gtest.h>

#include <set>

#include "xai/run/crosstest.hpp"
#include "xai/run/subexp.hpp"

namespace xai {
namespace {

using Keys = std::set<std::string>;

Keys keys_of(const Json& object) {
  Keys keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

// Written down apart from the tables: what must be equal for a run to go on. An option missing here would let
// a run go on with another value, and mix records of two kinds.
const Keys of_every_run = {"max_pixels", "target", "only_correct", "min_probability",
                           "baseline",   "mask",   "precision",    "seed"};
const Keys of_search = {"grid",   "sufficient", "threshold",       "search",   "beam_width", "extensions",
                        "sweeps", "reduce",     "max_evaluations", "max_size", "max_overlap"};
const Keys of_igos = {"preset", "iterations", "points",    "path",   "noise",  "noise_sharing", "l1",
                      "l2",     "sigma",      "optimiser", "map_of", "rate",   "beta1",         "beta2",
                      "scale",  "epsilon",    "alpha",     "decay",  "armijo", "min_step"};

const Keys of_estimate = {"estimate", "estimate_evaluations", "max_orders"};
const Keys of_counting = {"node_threshold", "max_nodes", "probe"};
const Keys of_map_scores = {"method", "size", "metric", "steps", "min_gap"};
const Keys of_rise = {"rise_masks", "rise_cells", "rise_visible"};

Keys operator+(Keys a, const Keys& b) {
  a.insert(b.begin(), b.end());
  return a;
}

TEST(RunOptions, IdentityIsWhatCanChangeARecord) {
  EXPECT_EQ(keys_of(values_of(MseRunOptions()).identity), of_every_run + of_search + of_estimate);
  EXPECT_EQ(keys_of(values_of(SubexpRunOptions()).identity), of_every_run + of_search + of_counting);
  EXPECT_EQ(keys_of(values_of(SaliencyRunOptions()).identity), of_every_run + of_igos + of_map_scores);
}

TEST(RunOptions, IdentityHasOnlyTheConstantsOfItsMethod) {
  const Keys any = of_every_run + of_map_scores;
  SaliencyRunOptions options;
  options.maps.method = SaliencyMethod::gradcam;
  EXPECT_EQ(keys_of(values_of(options).identity), any);
  options.maps.method = SaliencyMethod::rise;
  EXPECT_EQ(keys_of(values_of(options).identity), any + of_rise);
}

TEST(RunOptions, CrosstestHasConstantsOnlyWhereMapsAreMade) {
  const Keys any = {"max_pixels", "cross_images", "baseline", "mask",      "method", "size",
                    "steps",      "min_gap",      "images",   "precision", "seed"};
  CrosstestRunOptions options;
  options.models = {"a.pt", "b.pt"};
  EXPECT_EQ(keys_of(values_of(options).identity), any + of_igos);
  options.maps = {"a", "b"};
  EXPECT_EQ(keys_of(values_of(options).identity), any);
  const Keys comparable = {"cross_images", "baseline", "mask",    "method",
                           "size",         "steps",    "min_gap", "images"};
  EXPECT_EQ(keys_of(values_of(options).meaning), comparable);
}

TEST(RunOptions, EveryOptionHasAGroupAHelpAndADefaultWithinItsRange) {
  MseRunOptions mse;
  SubexpRunOptions subexp;
  SaliencyRunOptions saliency;
  CrosstestRunOptions crosstest;
  OptionTable tables[4];
  describe(tables[0], mse);
  describe(tables[1], subexp);
  describe(tables[2], saliency);
  describe(tables[3], crosstest);
  for (const OptionTable& table : tables) {
    Keys seen;
    for (const Option& option : table.options()) {
      EXPECT_TRUE(seen.insert(option.key).second) << option.key << " stands twice";
      EXPECT_FALSE(option.group.empty()) << option.key;
      EXPECT_FALSE(option.help.empty()) << option.key;
      EXPECT_NO_THROW(option.validate()) << option.key;
    }
  }
}

TEST(RunOptions, APresetFillsInWhatWasNotSet) {
  MapOptions options;
  OptionTable table;
  describe(table, options);
  table.at("preset").set("reference");
  table.at("iterations").set(7);
  use_preset(table, options.preset);
  IgosOptions expected = IgosOptions::reference();
  expected.iterations = 7;
  OptionTable wanted;
  describe(wanted, expected);
  for (const Option& option : wanted.options())
    EXPECT_EQ(table.at(option.key).value(), option.value()) << option.key;
}

TEST(RunOptions, EveryMethodKeepsItsConstants) {
  MapOptions options;
  options.use(Preset::reference);
  options.method = SaliencyMethod::igos_plus;
  options.size = 14;
  const IgosOptions igos = options.resolved_igos();
  EXPECT_EQ(igos.method, IgosMethod::igos_plus);
  EXPECT_EQ(igos.size, 14);
  EXPECT_EQ(igos.points, 15);
}

}  // namespace
}  // namespace xai
