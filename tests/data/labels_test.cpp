// One rule for the text of a label, and label files as people have them.
#include <gtest/gtest.h>

#include "data_set_folder.hpp"

namespace xai {
namespace {

const ClassList named{{"n01440764", "n01443537", "n02012849", "n03126707", "n02123045"},
                      {"tench, Tinca tinca", "goldfish", "crane", "crane", "tabby cat"}};

class LabelsFolder : public DataSetFolder {
 protected:
  /// The label of the one image of a folder of this name.
  int label_of_folder(const std::string& name, const ClassList& list = named) {
    fs::remove_all(data_);
    add(name + "/1.jpg");
    return labels(open_named({}, list)).front();
  }
  /// The label of an image with this cell of a table.
  int label_of_cell(const std::string& text, const ClassList& list = named) {
    fs::remove_all(data_);
    add("1.jpg");
    return labels(open_named({.labels = write("cell.csv", cat("path,label\n1.jpg,\"", text, "\"\n"))}, list))
        .front();
  }
  std::string refused_cell(const std::string& text, const ClassList& list = named) {
    return complaint<DataError>([&] { label_of_cell(text, list); });
  }
  /// Opens with a labels file of this content and these classes.
  DataSet open_table(const std::string& content) {
    return open_named({.labels = write("table.csv", content)}, named);
  }
  std::string refused_table(const std::string& content) {
    return complaint<DataError>([&] { open_table(content); });
  }
};

// --- the rule ---

TEST_F(LabelsFolder, AreTheSameForFoldersAndCells) {
  const ClassList numbers{{"7", "1", "0"}, {"seven", "one", "zero"}};
  const std::vector<std::tuple<std::string, ClassList, int>> cases{
      {"n01443537", named, 1}, {"goldfish", named, 1},
      {"Goldfish", named, 1},  {"tabby cat", named, 4},
      {"tabby_cat", named, 4}, {"Tabby_Cat", named, 4},
      {"tench", named, 0},     {"tench, Tinca tinca", named, 0},
      {"1", named, 1},         {"0", named, 0},
      {"004", named, 4},       {"4.0", named, 4},
      {"1", numbers, 1},       {"7", numbers, 0},
      {"seven", numbers, 0},   {"1", {}, 1},
      {"99", {}, 99},
  };
  for (const auto& [text, list, index] : cases) {
    EXPECT_EQ(label_of_folder(text, list), index) << text;
    EXPECT_EQ(label_of_cell(text, list), index) << text;
  }
}

TEST_F(LabelsFolder, DoNotDependOnTheOtherFolders) {
  for (const auto* folder : {"1", "3", "4"}) add(cat(folder, "/1.jpg"));
  const auto data_set = open_named({}, named);
  EXPECT_EQ(labels(data_set), (Labels{1, 3, 4}));
  EXPECT_EQ(data_set.notes,
            Strings{cat("no folder in '", data_.string(),
                        "' is named 0: the lowest, 1, is taken for class 1 (goldfish); classes "
                        "count from 0")});
  add("0/1.jpg");
  EXPECT_EQ(labels(open_named({}, named)), (Labels{0, 1, 3, 4}));
  EXPECT_TRUE(open_named({}, named).notes.empty());
}

TEST_F(LabelsFolder, OneBeyondTheLastClassAsksWhetherTheyAre1Based) {
  for (const auto* folder : {"1", "5"}) add(cat(folder, "/1.jpg"));
  EXPECT_EQ(complaint<DataError>([&] { open_named({}, named); }),
            cat("folder '5' is not in 0..4: are the labels 1-based? The model's classes count from 0; '1' "
                "beside it is "
                "one ('",
                data_.string(), "')"));
  EXPECT_TRUE(says(refused_cell("5"), "line 2: label '5' is not in 0..4: are the labels 1-based?"));
}

TEST_F(LabelsFolder, WhatIsNoClassIsRefusedWithWhatWasLookedFor) {
  EXPECT_TRUE(
      says(refused_cell("dog"),
           "line 2: label 'dog' is no class of the model: looked for a class id (like n01440764) or a class "
           "name (like 'tench, Tinca tinca') or an index 0..4"));
  EXPECT_TRUE(says(refused_cell("crane"),
                   "line 2: label 'crane' is the name of several classes, 2 (n02012849) and 3 "
                   "(n03126707): give the class id"));
  for (const auto* text : {"6", "-1", "18446744073709551616", "-9223372036854775809"})
    EXPECT_TRUE(says(refused_cell(text), cat("label '", text, "' is not in 0..4"))) << text;
  for (const auto* text : {"1e3", "1.5", "0x1", "+1", "1 2"})
    EXPECT_TRUE(says(refused_cell(text), cat("label '", text, "' is no class of the model"))) << text;
  EXPECT_TRUE(says(
      refused_cell("2", {{"7", "1"}, {"seven", "one"}}),
      "label '2' is no class of the model: looked for a class id (like 7) or a class name (like 'seven'); "
      "numbers are ids or names here, and no indices"));
  EXPECT_TRUE(
      says(refused_cell("n01440764", {}), "looked for an index 0..99 (the model's card has no class ids"));
  EXPECT_TRUE(says(refused_cell("100", {}), "label '100' is not in 0..99: are the labels 1-based?"));
}

TEST_F(LabelsFolder, FoldersAreRankedOnRequestOnly) {
  for (const auto* folder : {"b", "a", "c/deeper"}) add(cat(folder, "/1.jpg"));
  const auto data_set = open_named({.folders_by_rank = true}, named);
  EXPECT_EQ(data_set.layout, "class-folders");
  EXPECT_EQ(labels(data_set), (Labels{0, 1, 2}));
  EXPECT_EQ(data_set.notes,
            Strings{cat("the folders in '", data_.string(),
                        "' are taken by rank: 'a' is class 0 (tench, Tinca tinca), 'c' is class 2 "
                        "(crane)")});
  for (const auto* folder : {"d", "e", "f"}) add(cat(folder, "/1.jpg"));
  EXPECT_TRUE(
      says(complaint<DataError>([&] { open_named({.folders_by_rank = true}, named); }), "6 folders in '"));
  EXPECT_TRUE(says(complaint<UsageError>(
                       [&] { open_named({.labels = write("l", "a,1\n"), .folders_by_rank = true}, named); }),
                   "both say what the labels are"));
  EXPECT_TRUE(says(
      complaint<UsageError>([&] { open_named({.data = data_ / "a/1.jpg", .folders_by_rank = true}, named); }),
      "needs a folder or tar"));
}

// --- unlabelled, though it looks as if there were labels ---

TEST_F(LabelsFolder, ALabelsFileNearbyIsNamed) {
  add("images/1.jpg");
  const auto file = write("data/val_annotations.txt", "1.jpg\tn01440764\n");
  EXPECT_EQ(open_named({}, named).warnings,
            Strings{cat("the images in '", data_.string(), "' are taken as unlabelled: '", file.string(),
                        "' may hold their labels: give it as 'labels'")});
  fs::remove(file);
  const auto beside = write("LOC_val_solution.csv", "ImageId,PredictionString\n");
  EXPECT_TRUE(says(open_named({}, named).warnings.at(0), cat("'", beside.string(), "' may hold")));
}

TEST_F(LabelsFolder, ClassFoldersElsewhereAreNamed) {
  add("train/n01440764/images/1.JPEG");
  EXPECT_TRUE(says(open_named({}, named).warnings.at(0), cat("its class folders lie in 'train': give '",
                                                             (data_ / "train").string(), "' as 'data'")));
  EXPECT_EQ(labels(open_named({.data = data_ / "train"}, named)), (Labels{0})) << "Tiny-ImageNet";
  EXPECT_TRUE(says(open_named({.data = data_ / "train/n01440764"}, named).warnings.at(0),
                   "the folder itself is named as a class"));
}

TEST_F(LabelsFolder, PlainFoldersOfImagesAreNoWarning) {
  add("1.jpg");
  EXPECT_TRUE(open_named({}, named).warnings.empty());
}

// --- tables ---

TEST_F(LabelsFolder, TablesAreUnderstoodByTheNamesOfTheirColumns) {
  add("a.jpg");
  add("b.jpg");
  const std::vector<std::pair<std::string, std::string>> cases{
      {"file_name,label\na.jpg,1\nb.jpg,0\n",
       "column \"file_name\" as file, column \"label\" as class index"},
      {"filename,class\na.jpg,goldfish\nb.jpg,tench\n",
       "column \"filename\" as file, column \"class\" as class name"},
      {"image,label\na,1\nb,0\n", "column \"image\" as file, column \"label\" as class index"},
      {"path,target\na.jpg,1\nb.jpg,n01440764\n",
       "column \"path\" as file, column \"target\" as class id or class index"},
      {"id,label\na,n01443537\nb,n01440764\n", "column \"id\" as file, column \"label\" as class id"},
      {"ImageId,PredictionString\na,n01443537 1 2 3 4 \nb,n01440764 5 6 7 8 n01443537 1 1 2 2 \n",
       "column \"ImageId\" as file, column \"PredictionString\" as class id"},
      {"label,path\n1,a.jpg\n0,b.jpg\n", "column \"path\" as file, column \"label\" as class index"},
      {",file,label\n0,a.jpg,1\n1,b.jpg,0\n", "column \"file\" as file, column \"label\" as class index"},
      {"Unnamed: 0,id,file,label\n3,7,a.jpg,1\n4,8,b.jpg,0\n",
       "column \"file\" as file, column \"label\" as class index"},
      {"path,width,height,label\na.jpg,3,4,1\nb.jpg,3,4,0\n",
       "column \"path\" as file, column \"label\" as class index"},
      {"\"path\",\"label\"\r\n\"a.jpg\",\"goldfish\"\r\n\"b.jpg\",\"tench, Tinca tinca\"\r\n",
       "column \"path\" as file, column \"label\" as class name"},
      {"\xEF\xBB\xBFpath;label\na.jpg;1\nb.jpg;tench, Tinca tinca\n\n\n;\n",
       "column \"path\" as file, column \"label\" as class name or class index"},
      {"\tfile\tlabel\n0\ta.jpg\t1\n1\tb.jpg\t0\n",
       "column \"file\" as file, column \"label\" as class index"},
      {"path,label,,\na.jpg,1.0,,\nb.jpg,0.0,,\n",
       "column \"path\" as file, column \"label\" as class index"},
      {"path,class_id,class_name\na.jpg,1,goldfish\nb.jpg,0,tench\n",
       "column \"path\" as file, column \"class_id\" as class index"},
      {"path,label,class_name\na.jpg,1,my fish\nb.jpg,0,tench\n",
       "column \"path\" as file, column \"label\" as class index"},
      {"path,species\na.jpg,goldfish\nb.jpg,tench\n",
       "column \"path\" as file, column \"species\" as class name"},
      {"a.jpg,1\nb.jpg,0\n", "column 1 as file, column 2 as class index"},
      {"1,a.jpg\n0,b.jpg\n", "column 2 as file, column 1 as class index"},
      {"a.jpg\tn01443537\t0\t3\t4\t4\nb.jpg\tn01440764\t0\t0\t4\t4\n",
       "column 1 as file, column 2 as class id"},
      {"a.jpg goldfish\nb.jpg tench, Tinca tinca\n", "a file and a class name a line"},
      {"path label\na.jpg 1\nb.jpg 0\n", "a file and a class index a line"},
  };
  for (const auto& [content, understood] : cases) {
    const auto data_set = open_table(content);
    EXPECT_EQ(labels(data_set), (Labels{1, 0})) << content;
    EXPECT_EQ(data_set.notes.at(0),
              cat("labels file '", (folder_ / "table.csv").string(), "': ", understood));
  }
}

TEST_F(LabelsFolder, AmbiguousTablesAreRefused) {
  add("a.jpg");
  add("b.jpg");
  EXPECT_TRUE(says(
      refused_table("path,label,wnid\na.jpg,1,n01443537\nb.jpg,1,n01440764\n"),
      "line 3: column \"label\" says class 1 (goldfish) and column \"wnid\" class 0 (tench, Tinca tinca): "
      "leave in only the one that is the label"));
  EXPECT_TRUE(says(refused_table("a.jpg,1,2\nb.jpg,1,2\n"),
                   "line 1: column 2 says class 1 (goldfish) and column 3 class 2 (crane)"));
  EXPECT_TRUE(
      says(refused_table("path,width,height\na.jpg,3,4\nb.jpg,3,4\n"), "no column is known to be the label"));
  EXPECT_TRUE(says(refused_table("foo,label\nx,1\ny,0\n"), "no column is known to name images"));
  EXPECT_TRUE(
      says(refused_table("path,label\n\"a.jpg,1\nb.jpg,0\n"), "line 2: a quotation mark is not closed"));
  EXPECT_TRUE(
      says(refused_table("path,label\na.jpg,1,2\nb.jpg,0\n"), "line 2: 3 fields, and 2 in the first line"));
  EXPECT_TRUE(says(refused_table("path,label\n,1\nb.jpg,0\n"), "line 2: no path"));
  EXPECT_TRUE(says(refused_table("{\"a.jpg\": 1}\n"), "is JSON, which is not read: give a table path,label"));
  EXPECT_TRUE(says(refused_table("\xFF\xFE"
                                 "p"),
                   "is UTF-16: save it as UTF-8"));
  EXPECT_TRUE(
      says(refused_table("path,label\na.jpg,1\na.jpg,0\n"), "line 3: 'a.jpg' already has a label in line 2"));
}

TEST_F(LabelsFolder, TheSameLabelTwiceIsOne) {
  add("a.jpg");
  EXPECT_EQ(labels(open_table("path,label\na.jpg,1\na.jpg,goldfish\n")), (Labels{1}));
}

TEST_F(LabelsFolder, PathsMayBeginAtAFolderAbove) {
  add("val/a.jpg");
  EXPECT_EQ(labels(open_named(
                {.data = data_ / "val", .labels = write("t.csv", "path,label\ndata/val/a.jpg,4\n")}, named)),
            (Labels{4}));
  EXPECT_TRUE(says(
      complaint<DataError>([&] {
        open_named({.data = data_ / "val", .labels = write("t.csv", "path,label\ntrain/a.jpg,4\n")}, named);
      }),
      "t.csv', whose paths look like 'train/a.jpg'"));
}

TEST_F(LabelsFolder, LowestIndexOfATableIsNoted) {
  add("a.jpg");
  EXPECT_EQ(open_table("path,label\na.jpg,1\n").notes.at(1),
            cat("no label in '", (folder_ / "table.csv").string(),
                "' is 0: the lowest, 1, is taken for class 1 (goldfish); classes count from 0"));
}

TEST_F(LabelsFolder, ListsAreReadAsTablesAre) {
  add("a.jpg");
  add("my b.jpg");
  const auto list = write("data/list.csv", "width,file_name,label\n3,a.jpg,goldfish\n4,my b.jpg,0\n");
  const auto data_set = open_named({.data = list}, named);
  EXPECT_EQ(labels(data_set), (Labels{1, 0}));
  EXPECT_EQ(data_set.notes,
            Strings{cat("image list '", list.string(),
                        "': column \"file_name\" as file, column \"label\" as class name or class "
                        "index")});
  const auto sizes = write("data/list.csv", "path,width\na.jpg,3\nmy b.jpg,4\n");
  EXPECT_FALSE(open_named({.data = sizes}, named).labelled()) << "a width is no label";
  EXPECT_EQ(ids(open_named({.data = write("data/list.csv", "\"a.jpg\"\n\"my b.jpg\"\n")}, named)),
            (Strings{"a.jpg", "my b.jpg"}));
}

// --- files that are no tables ---

TEST_F(LabelsFolder, AHeaderAloneIsRefused) {
  add("a.jpg");
  for (const char* header : {"path,label", "WNID", "file label\n\n"})
    EXPECT_TRUE(says(refused_table(header), "nothing else")) << header;
}

TEST_F(LabelsFolder, ALongLineIsReadAtOnce) {
  add("a.jpg");
  std::string line = "a.jpg";
  while (line.size() < (4 << 20)) line += " b";
  EXPECT_TRUE(says(refused_table(line), "label"));
  line.erase(0, 5);  // no extension in it
  EXPECT_TRUE(says(refused_table(line), "label"));
}

TEST_F(LabelsFolder, ShortLinesUnderAWideHeaderTakeNoMemory) {
  add("a.jpg");
  std::string table = "path,label" + std::string(990, ',') + "\n";
  for (int i = 0; i < 20'000; ++i) table += cat(i, ".jpg,1\n");
  table += "a.jpg,2\n";
  EXPECT_EQ(labels(open_table(table)), Labels{2});
  table.insert(10, std::string(1000, ','));
  EXPECT_TRUE(says(refused_table(table), "columns, which is more than"));
}

}  // namespace
}  // namespace xai
