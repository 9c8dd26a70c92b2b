#include "common/config.hpp"
#include "targets.hpp"
#include "xai/search/mse.hpp"

namespace xai::fuzz {
namespace {

/// Options of all kinds.
struct Everything {
  MseOptions search;
  std::filesystem::path out;
  std::vector<std::string> names;
  std::vector<std::filesystem::path> files;
  std::string text = "as it is";
  bool flag = false;
  std::uint64_t seed = 0;
  long limit = 0;
  double share = 0.5;

  void describe(OptionTable& table) {
    xai::describe(table, search);
    table.group("Others");
    table.add("out", out, "A path");
    table.add("names", names, "Texts");
    table.add("files", files, "Paths");
    table.add("text", text, "A text");
    table.add("flag", flag, "Yes or no");
    table.add("seed", seed, "Any number");
    table.add("limit", limit, "A number, or a word").at_least(-1).with_word("all", -1);
    table.add("share", share, "Less than 1").from_below(0, 1);
    table.add("secret", text, "Not here").not_in_config();
  }
};

void read(Bytes input) {
  Everything options, again;
  OptionTable table, second;
  options.describe(table);
  again.describe(second);
  const auto file = write("config/options.toml", text_of(input));
  if (!accepted<UsageError>([&] { tools::read_config(file, {&table}); })) return;
  std::string text;
  if (!accepted<UsageError>([&] { text = tools::config_text({&table}); })) return;  // not UTF-8
  tools::read_config(write("config/again.toml", text), {&second});
  property(table.values() == second.values(), "--print-config reads back: ", text);
  accepted<UsageError>([&] { table.validate(); });
}

}  // namespace

std::vector<Target> config_targets() {
  return {{"config", read}};
}

}  // namespace xai::fuzz
