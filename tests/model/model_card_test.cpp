#include "xai/model/model_card.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "model_fixture.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

using testing::linear_model;
using testing::save_model;

class ModelCardFile : public ::testing::Test {
 protected:
  /// The message of the ModelError that reading gives, or "" where it works.
  static std::string complaint(const std::filesystem::path& model) {
    try {
      read_model_card(model);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  }

  /// The complaint about a card in which the JSON patch's field has another value; null removes the field.
  void expect_complaint(const std::string& pointer, const Json& value,
                        const std::vector<std::string>& words) {
    const Json::json_pointer where(pointer);
    Json card = card_;
    if (value.is_null())
      card[where.parent_pointer()].erase(where.back());
    else
      card[where] = value;
    write_file_atomically(folder_.path() / "toy.json", card.dump());
    const std::string message = complaint(model_);
    EXPECT_NE(message.find("field " + pointer), message.npos) << pointer << " " << value << ": " << message;
    for (const std::string& word : words)
      EXPECT_NE(message.find(word), message.npos) << pointer << " " << value << ": " << message;
    EXPECT_EQ(message.find('\n'), message.npos) << "one line: " << message;
  }

  void expect_fine(const std::string& pointer, const Json& value) {
    Json card = card_;
    card[Json::json_pointer(pointer)] = value;
    write_file_atomically(folder_.path() / "toy.json", card.dump());
    EXPECT_EQ(complaint(model_), "") << pointer << " " << value;
  }

  TemporaryFolder folder_;
  std::filesystem::path model_ = save_model(folder_, linear_model);
  Json card_ = Json::parse(read_file(folder_.path() / "toy.json"));
  const std::string hash_ = std::string(64, 'a');
};

TEST_F(ModelCardFile, HoldsWhatTheFileSays) {
  const ModelCard card = read_model_card(model_);
  EXPECT_EQ(card.model, model_);
  EXPECT_EQ(card.name, "toy");
  EXPECT_EQ(card.height, 16);
  EXPECT_EQ(card.resize, 18);
  EXPECT_EQ(card.classes, 5);
  EXPECT_EQ(card.std[2], 0.5);
  EXPECT_FALSE(card.gradcam);
}

TEST_F(ModelCardFile, TextsAreWhatTheSchemaAsks) {
  for (const char* field :
       {"/schema_version", "/name", "/family", "/architecture/source", "/architecture/name",
        "/architecture/version", "/weights/origin", "/weights/sha256", "/sha256", "/preprocessing/crop",
        "/preprocessing/interpolation", "/class_list"})
    expect_complaint(field, nullptr, {"is missing"});
  expect_complaint("/schema_version", "2.0", {"2.0", "1.x"});
  expect_complaint("/schema_version", "1.x", {"1.x"});
  for (const char* bad : {"", "a/b", ".hidden", "a\nb", "../toy"})
    expect_complaint("/name", bad, {"a name and no path", Json(bad).dump()});
  expect_complaint("/name", 7, {"7"});
  expect_complaint("/family", "", {"not empty"});
  expect_complaint("/architecture/source", "mine",
                   {"timm, torchvision, package, torchscript or module", "mine"});
  expect_complaint("/weights/origin", "found", {"pretrained, file or random", "found"});
  for (const std::string& bad : {std::string("ab"), std::string(64, 'A'), std::string(63, '0') + "g"})
    for (const char* field : {"/sha256", "/weights/sha256"})
      expect_complaint(field, bad, {"64 hexadecimal digits", bad});
  expect_complaint("/preprocessing/interpolation", "nearest", {"bilinear or bicubic", "nearest"});
  expect_complaint("/preprocessing/crop", "none", {"center", "none"});
}

TEST_F(ModelCardFile, NumbersAreWhatTheSchemaAsks) {
  for (const char* field : {"/input/height", "/input/width", "/preprocessing/resize", "/classes"}) {
    expect_complaint(field, nullptr, {"is missing"});
    expect_complaint(field, 0, {"to 100000", "not 0"});
    expect_complaint(field, 64.7, {"an integer", "not 64.7"});
    expect_complaint(field, (std::int64_t{1} << 32) + 64, {"not 4294967360"});
    expect_complaint(field, 18446744073709551615U, {"not 18446744073709551615"});
    expect_complaint(field, 100'001, {"to 100000", "not 100001"});
    expect_complaint(field, "64", {"an integer", "not \"64\""});
    expect_complaint(field, true, {"an integer", "not true"});
  }
  expect_fine("/input/height", 16.0);
  expect_complaint("/classes", 1, {"one output is a class and its complement", "\"output\": \"sigmoid\""});
  expect_complaint("/preprocessing/resize", 15, {"smaller than the crop"});
  const std::vector<Json> bad_means = {Json::array({0.5, 0.5}),
                                       Json::array({0.5, 0.5, 1.1}),
                                       Json::array({-0.1, 0, 0}),
                                       Json::array({0.5, 0.5, "1"}),
                                       0.5,
                                       Json::array({0.5, 0.5, 0.5, 0.5})};
  for (const Json& bad : bad_means)
    expect_complaint("/preprocessing/mean", bad, {"three numbers from 0 to 1", bad.dump()});
  for (const Json& bad : {Json::array({1, 0, 1}), Json::array({1, 1, 10.5}), Json::array({1, 1})})
    expect_complaint("/preprocessing/std", bad, {"three numbers above 0 and at most 10", bad.dump()});
  expect_fine("/preprocessing/std", Json::array({1, 1e-3, 10}));
}

TEST_F(ModelCardFile, RandomWeightsHaveASeedAndAPhotograph) {
  const Json photo = {{"file", "dog.jpg"}, {"p_full", 0.9}, {"p_baseline", 0.1}};
  const Json random = {{"origin", "random"}, {"sha256", hash_}, {"seed", 3}, {"photo", photo}};
  expect_fine("/weights", random);
  card_["weights"] = random;
  for (const char* field : {"/weights/seed", "/weights/photo", "/weights/photo/p_full"})
    expect_complaint(field == std::string("/weights/photo") ? "/weights/photo/file" : field, nullptr,
                     {"is missing"});
  expect_complaint("/weights/seed", 0.5, {"an integer", "0.5"});
  expect_complaint("/weights/photo/p_full", 0.4, {"from 0.5 to 1", "0.4"});
  expect_complaint("/weights/photo/p_baseline", 0.3, {"from 0 to 0.2", "0.3"});
}

TEST_F(ModelCardFile, ClassesAreListedOnce) {
  const std::vector<std::string> five = {"a", "b", "c", "d", "e"}, twice = {"a", "b", "c", "d", "a"};
  expect_fine("/class_list", {{"ids", five}, {"names", twice}});
  expect_complaint("/class_list", {{"ids", {"a"}}, {"names", {"a"}}}, {"lists 1 classes", "5"});
  card_["class_list"] = {{"ids", five}, {"names", five}};
  expect_complaint("/class_list/ids", twice, {"has \"a\" twice"});
  expect_complaint("/class_list/ids", nullptr, {"is missing"});
  expect_complaint("/class_list/ids", Json::array({"a", "b", "c", "d", 5}), {"a list of texts"});
  expect_complaint("/class_list/names", Json::array({"a"}), {"has 1 texts", "5"});
  card_["class_list"] = {{"file", "classes.csv"}};
  expect_complaint("/class_list/file", "none.csv", {"which is no file"});
  expect_complaint("/class_list/file", std::string(300, 'x'), {"which is no file"});
  expect_complaint("/class_list/file", 3, {"a text that is not empty", "3"});
}

TEST_F(ModelCardFile, NamesTheFilesOfGradCamWhereThereAreAny) {
  expect_fine("/gradcam", nullptr);
  card_["gradcam"] = {{"features", {{"file", "toy.features.pt"}, {"sha256", hash_}}},
                      {"head", {{"file", "toy.head.pt"}, {"sha256", std::string(64, 'b')}}}};
  expect_complaint("/gradcam/head/file", nullptr, {"is missing"});
  expect_complaint("/gradcam/features/sha256", "ab", {"64 hexadecimal digits"});
  write_file_atomically(folder_.path() / "toy.json", card_.dump());
  const ModelCard card = read_model_card(model_);
  ASSERT_TRUE(card.gradcam);
  EXPECT_EQ(card.gradcam->features, folder_.path() / "toy.features.pt");
  EXPECT_EQ(card.gradcam->head, folder_.path() / "toy.head.pt");
  EXPECT_EQ(card.gradcam->features_sha256, hash_);
  EXPECT_EQ(card.gradcam->head_sha256, std::string(64, 'b'));
}

TEST_F(ModelCardFile, IsJsonBesideAModel) {
  const auto write = [&](const std::string& text) {
    std::ofstream(folder_.path() / "toy.json", std::ios::trunc) << text;
  };
  write("{");
  EXPECT_NE(complaint(model_).find("is not JSON"), std::string::npos);
  write("[]");
  EXPECT_NE(complaint(model_).find("/schema_version is missing"), std::string::npos);
  write("{\"classes\": 1e999}");
  EXPECT_NE(complaint(model_).find("too large"), std::string::npos);
  write(std::string(1 << 20, '['));
  EXPECT_NE(complaint(model_).find("lists and objects in each other"), std::string::npos);
  std::filesystem::remove(folder_.path() / "toy.json");
  EXPECT_NE(complaint(model_).find("no model card"), std::string::npos);
  EXPECT_NE(complaint(folder_.path() / "none.pt").find("no model file"), std::string::npos);
  EXPECT_NE(complaint(folder_.path() / std::string(300, 'x')).find("no model file"), std::string::npos);
}

}  // namespace
}  // namespace xai
