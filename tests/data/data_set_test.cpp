#include "xai/data/data_set.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "data_set_folder.hpp"
#include "xai/core/hash.hpp"
#include "xai/data/image.hpp"

namespace xai {
namespace {

// --- folders ---

TEST_F(DataSetFolder, ClassFoldersAreRankedAmongTheModelsClassesNotAmongTheFolders) {
  add("n01491361/b.JPEG");
  add("n01443537/deeper/a.jpg");
  add("n01443537/a.PNG");
  fs::create_directories(data_ / "n01440764");
  const auto data_set = open();
  EXPECT_EQ(data_set.layout, "class-folders");
  EXPECT_EQ(data_set.root, data_);
  EXPECT_EQ(ids(data_set), (Strings{"n01443537/a.PNG", "n01443537/deeper/a.jpg", "n01491361/b.JPEG"}));
  EXPECT_EQ(labels(data_set), (Labels{1, 1, 3}));
  EXPECT_TRUE(data_set.labelled());
  EXPECT_TRUE(data_set.warnings.empty());
  EXPECT_EQ(data_set.images[1].source.file, data_ / "n01443537/deeper/a.jpg");
}

TEST_F(DataSetFolder, ClassFoldersOfOtherClassIds) {
  add("dog/1.jpg");
  add("cat/1.jpg");
  EXPECT_EQ(labels(open({}, {"bird", "cat", "dog"})), (Labels{1, 2}));
  EXPECT_TRUE(
      says(complaint<DataError>([&] {
             open({}, {"bird", "cat"});
           }),
           cat("folder 'dog' is no class of the model: looked for a class id (like bird) or a class name "
               "(like 'bird') or an index 0..1; 'cat' beside it is one ('",
               data_.string(), "')")));
}

TEST_F(DataSetFolder, WithoutKnownClassesNothingIsGuessed) {
  for (const auto& [one, other] : {std::pair("cat", "dog"), {"n01440764", "n01443537"}}) {
    add(cat(one, "/1.jpg"));
    add(cat(other, "/1.jpg"));
    const auto data_set = open({}, {});
    EXPECT_EQ(data_set.layout, "flat");
    EXPECT_FALSE(data_set.labelled());
    ASSERT_EQ(data_set.warnings.size(), 1U);
    EXPECT_TRUE(
        says(data_set.warnings[0], cat("its folders ('", one, "', '", other,
                                       "') are no classes of the model: looked for an index 0..99 (the "
                                       "model's card has no class ids or names); name them so, give a "
                                       "'labels' file, or 'folders_by_rank'")));
    fs::remove_all(data_);
  }
}

TEST_F(DataSetFolder, FoldersThatAreNoClassesAreUnlabelledWithAWarning) {
  add("summer/1.jpg");
  add("winter/1.jpg");
  const auto data_set = open();
  EXPECT_EQ(data_set.layout, "flat");
  EXPECT_FALSE(data_set.labelled());
  EXPECT_EQ(data_set.warnings.size(), 1U);
}

TEST_F(DataSetFolder, UnknownWnidAndStrayImageAreErrors) {
  add("n01440764/1.jpg");
  add("n09999999/1.jpg");
  EXPECT_TRUE(says(complaint<DataError>([&] { open(); }), "folder 'n09999999'"));
  fs::remove_all(data_ / "n09999999");
  add("stray.jpg");
  EXPECT_TRUE(says(complaint<DataError>([&] { open(); }), "'stray.jpg'"));
}

TEST_F(DataSetFolder, FlatWithoutLabels) {
  for (const auto* id : {"b.Jpg", "a.jpeg", "B.PNG", "sub/c.webp", "d.bmp", "e.heic", "notes.txt",
                         ".hidden.jpg", ".cache/x.jpg", "jpg"})
    add(id);
  const auto data_set = open();
  EXPECT_EQ(data_set.layout, "flat");
  EXPECT_EQ(ids(data_set), (Strings{"B.PNG", "a.jpeg", "b.Jpg", "d.bmp", "sub/c.webp"})) << "sorted by bytes";
  EXPECT_EQ(labels(data_set), (Labels(5, -1)));
  EXPECT_FALSE(data_set.labelled());
  EXPECT_EQ(data_set.notes,
            Strings{"left out, as no images by their names: 1 .heic, 1 .txt, 1 without extension"});
}

TEST_F(DataSetFolder, SortsWholePathsByTheirBytes) {
  for (const auto* id : {"a/2.jpg", "a-b/1.jpg", "a.jpg", "\xC3\xA9.jpg", "z.jpg"}) add(id);
  EXPECT_EQ(ids(open()), (Strings{"a-b/1.jpg", "a.jpg", "a/2.jpg", "z.jpg", "\xC3\xA9.jpg"}));
}

TEST_F(DataSetFolder, SymbolicLinksAreFollowed) {
  const auto elsewhere = write("elsewhere/n01440764/1.jpg", "x");
  fs::create_directories(data_ / "n01443537");
  fs::create_symlink(elsewhere, data_ / "n01443537/link.jpg");
  fs::create_symlink(folder_ / "gone.jpg", data_ / "n01443537/broken.jpg");
  fs::create_directory_symlink(elsewhere.parent_path(), data_ / "n01440764");
  const auto data_set = open();
  EXPECT_EQ(ids(data_set), (Strings{"n01440764/1.jpg", "n01443537/broken.jpg", "n01443537/link.jpg"}));
}

TEST_F(DataSetFolder, LimitTakesTheFirstAfterSorting) {
  for (const auto* id : {"c.jpg", "a.jpg", "b.jpg"}) add(id);
  EXPECT_EQ(ids(open({.limit = 2})), (Strings{"a.jpg", "b.jpg"}));
  EXPECT_EQ(open({.limit = 9}).images.size(), 3U);
  EXPECT_TRUE(says(complaint<UsageError>([&] { open({.limit = -1}); }), "-1"));
}

TEST_F(DataSetFolder, TheSpellingOfTheFolderDoesNotMatter) {
  add("n01440764/1.jpg");
  const auto plain = open();
  for (const auto& spelling : {data_ / "", data_ / ".", data_ / "n01440764" / ".."}) {
    const auto other = open({.data = spelling});
    EXPECT_EQ(ids(other), ids(plain)) << spelling;
    EXPECT_EQ(other.root, plain.root) << spelling;
  }
}

TEST_F(DataSetFolder, HashCoversIdsAndLabelsAfterTheLimit) {
  add("a.jpg");
  add("b.jpg");
  EXPECT_EQ(open().sha256, sha256("[\"a.jpg\",null]\n[\"b.jpg\",null]\n"));
  EXPECT_EQ(open({.limit = 1}).sha256, sha256("[\"a.jpg\",null]\n"));
  EXPECT_EQ(open_labelled("a.jpg,0\nb.jpg,3\n").sha256, sha256("[\"a.jpg\",0]\n[\"b.jpg\",3]\n"));
}

TEST_F(DataSetFolder, UnusableFolders) {
  EXPECT_TRUE(says(complaint<UsageError>([&] { open({.data = folder_ / "nowhere"}); }), "nowhere"));
  EXPECT_TRUE(says(complaint<UsageError>([&] { open_data_set({}, {}, 1); }), "no data set"));
  add("notes.txt");
  const auto empty = complaint<DataError>([&] { open(); });
  EXPECT_TRUE(says(empty, "no images"));
  EXPECT_TRUE(says(empty, ".jpeg"));
  add("\xFF.jpg");
  EXPECT_TRUE(says(complaint<DataError>([&] { open(); }), "UTF-8"));
}

TEST_F(DataSetFolder, OneImage) {
  const auto file = add("n01440764/1.jpg");
  const auto data_set = open({.data = file});
  EXPECT_EQ(data_set.layout, "single");
  EXPECT_EQ(ids(data_set), (Strings{"1.jpg"}));
  EXPECT_EQ(data_set.images[0].source.file, file);
}

// --- what cannot be read ---

TEST_F(DataSetFolder, WhatCannotBeReadIsAnErrorOfItsOwnAndTheRestGoesOn) {
  add("n01440764/1.jpg");
  fs::create_directory_symlink(data_, data_ / "n01440764/loop");
  fs::create_directory_symlink(folder_ / "gone", data_ / "n01443537");
  fs::create_symlink("self", data_ / "n01440764/self");
  fs::create_symlink("self.jpg", data_ / "n01440764/self.jpg");
  const auto data_set = open();
  EXPECT_EQ(ids(data_set), (Strings{"n01440764/1.jpg", "n01440764/loop/", "n01440764/self.jpg",
                                    "n01440764/self/", "n01443537/"}));
  EXPECT_EQ(labels(data_set), (Labels{0, 0, 0, 0, 1}));
  ASSERT_EQ(data_set.warnings.size(), 1U);
  EXPECT_EQ(data_set.warnings[0], cat("3 folders in '", data_.string(), "' cannot be read, an error each: ",
                                      "'n01440764/loop/', 'n01440764/self/', 'n01443537/'"));
  EXPECT_EQ(data_set.images[1].source.fault,
            cat("folder '", (data_ / "n01440764/loop").string(),
                "' cannot be read: a symbolic link to a folder that it lies in, a loop"));
  EXPECT_EQ(data_set.images[4].source.fault,
            cat("'", (data_ / "n01443537").string(), "' cannot be read: it is a symbolic link to nothing"));
}

TEST_F(DataSetFolder, FoldersThatLinkToEachOtherAreNotGoneThroughForEver) {
  constexpr int count = 12;  // 12! paths without a loop
  for (int i = 0; i < count; ++i) add(cat("f", i, "/x.jpg"));
  for (int i = 0; i < count; ++i)
    for (int k = 0; k < count; ++k)
      if (i != k) fs::create_directory_symlink(data_ / cat("f", k), data_ / cat("f", i) / cat("to", k));
  const DataSet data_set = open();
  EXPECT_LT(data_set.images.size(), 100U * count * (count + 1));
  EXPECT_TRUE(std::any_of(data_set.images.begin(), data_set.images.end(), [](const ImageEntry& image) {
    return says(image.source.fault, "more than 100 paths lead to it, by symbolic links");
  }));
}

TEST_F(DataSetFolder, PipesAndDevicesAreNotOpened) {
  add("1.jpg");
  ASSERT_EQ(mkfifo((data_ / "pipe.jpg").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((data_ / "nameless").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", data_ / "zero.jpg");
  fs::create_symlink("/dev/zero", data_ / "nameless_zero");
  const DataSet data_set = open();
  EXPECT_EQ(ids(data_set), (Strings{"1.jpg", "pipe.jpg", "zero.jpg"}));
  for (const std::size_t i : {1, 2})
    EXPECT_TRUE(says(complaint<DataError>([&] { read_photograph(data_set.images[i].source, 1 << 20); }),
                     "it is not a regular file"));
}

TEST_F(DataSetFolder, ListedPathsGiveNamesThatLeadNowhereElse) {
  add("in/1.jpg");
  add("in/2.jpg");
  const fs::path outside = add("out.jpg");
  const auto list = write("data/in/list.txt", "1.jpg\n../out.jpg\n./../in/../in/./2.jpg\n");
  EXPECT_EQ(ids(open({.data = list})), (Strings{"1.jpg", "2.jpg", outside.relative_path().string()}));
}

TEST_F(DataSetFolder, FoldersThatCannotBeReadNeedNoLabel) {
  add("a.jpg");
  fs::create_directory_symlink(folder_ / "gone", data_ / "sub");
  const auto data_set = open_labelled("a.jpg,3\n");
  EXPECT_EQ(labels(data_set), (Labels{3, -1}));
  EXPECT_TRUE(data_set.labelled());
}

TEST_F(DataSetFolder, AFolderWithoutPermissionIsAnError) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  add("a.jpg");
  add("locked/b.jpg");
  fs::permissions(data_ / "locked", fs::perms::none);
  const auto data_set = open();
  fs::permissions(data_ / "locked", fs::perms::owner_all);
  EXPECT_EQ(ids(data_set), (Strings{"a.jpg", "locked/"}));
  EXPECT_TRUE(says(data_set.images[1].source.fault, "Permission denied"));
}

TEST_F(DataSetFolder, NothingReadableIsRefused) {
  fs::create_directories(data_);
  fs::create_symlink(folder_ / "gone.jpg", data_ / "1.jpg");
  fs::create_directory_symlink(folder_ / "gone", data_ / "sub");
  EXPECT_EQ(complaint<DataError>([&] { open(); }),
            cat("none of the 2 images can be read: cannot use '", (data_ / "1.jpg").string(),
                "': no such file: a symbolic link to nothing"));
  fs::create_directories(data_ / "folder.jpg");
  EXPECT_TRUE(says(complaint<UsageError>([&] { open({.data = data_ / "1.jpg"}); }), "no such file"));
  fs::create_symlink("self", folder_ / "self");
  EXPECT_TRUE(says(complaint<DataError>([&] { open({.data = folder_ / "self"}); }), "symbolic link"));
  EXPECT_TRUE(says(complaint<UsageError>([&] { open({.labels = folder_.path()}); }), "is a folder"));
}

TEST_F(DataSetFolder, ListedImagesThatCannotBeReadAreErrorsOfTheirOwn) {
  add("a.jpg");
  fs::create_symlink(folder_ / "gone.jpg", data_ / "link.jpg");
  EXPECT_EQ(ids(open({.data = write("data/list.txt", "a.jpg\nlink.jpg\n")})), (Strings{"a.jpg", "link.jpg"}));
}

// --- formats ---

TEST_F(DataSetFolder, AllTypesOfPhotographsAreFoundAndTheRestIsCountedByKindOnce) {
  for (const auto* id : {"a.tif", "b.TIFF", "c.gif", "d.ppm", "e.pgm", "f.pbm", "g.pnm", "h.jfif", "i.jpe",
                         "1.xml", "sub/2.XML", "3.xml", "x.heic", "y.avif", "z.psd"})
    add(id);
  write("data/nameless", "\xFF\xD8\xFF\xE0 a JPEG");
  write("data/README", "text");
  const auto data_set = open();
  EXPECT_EQ(ids(data_set), (Strings{"a.tif", "b.TIFF", "c.gif", "d.ppm", "e.pgm", "f.pbm", "g.pnm", "h.jfif",
                                    "i.jpe", "nameless"}));
  EXPECT_EQ(data_set.notes,
            Strings{"left out, as no images by their names: 3 .xml, 1 .avif, 1 .heic, 1 .psd, 1 "
                    "without extension"});
}

TEST_F(DataSetFolder, NoImagesSaysWhatThereIs) {
  add("a.heic");
  add("b.heic");
  EXPECT_TRUE(says(complaint<DataError>([&] { open(); }), "in it and its folders; there are 2 .heic"));
}

TEST_F(DataSetFolder, OneImageIsFoundByItsContent) {
  for (const auto& [name, content] :
       std::map<std::string, std::string>{{"photo", "\xFF\xD8\xFF\xE0 a JPEG"},
                                          {"a.image", "GIF89a"},
                                          {"scan.dat", std::string("II*\0\x08\0\0\0", 8)},
                                          {"p.netpbm", "P6 1 1 255 abc"},
                                          {"empty.jpg", ""},
                                          {"text.png", "text"}})
    EXPECT_EQ(open({.data = write(name, content)}).layout, "single") << name;
  add("P6 1.jpg");
  EXPECT_EQ(open({.data = write("data/list.txt", "P6 1.jpg\n")}).layout, "list") << "not a PPM";
  add("BM and a long name that is longer than a header.jpg");
  EXPECT_EQ(
      open({.data = write("data/list", "BM and a long name that is longer than a header.jpg\n")}).layout,
      "list");
}

TEST_F(DataSetFolder, OneImageOfAFormatThatIsNotReadIsRefusedByItsName) {
  const std::map<std::string, std::pair<std::string, std::string>> cases{
      {"a.heic",
       {std::string("\0\0\0\x18"
                    "ftypheic",
                    12),
        "HEIC"}},
      {"b.jpg",
       {std::string("\0\0\0\x18"
                    "ftypavif",
                    12),
        "AVIF"}},
      {"c.jxl", {std::string("\xFF\x0A\0\0", 4), "JPEG XL"}},
      {"d.svg", {"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>", "SVG"}},
      {"e.pdf", {"%PDF-1.7\n", "PDF"}},
      {"f.psd", {"8BPS", "Photoshop (PSD)"}},
      {"g.jpg", {"<!DOCTYPE html><html>", "HTML (a web page in the place of an image?)"}},
      {"h.mp4",
       {std::string("\0\0\0\x18"
                    "ftypisom",
                    12),
        "a video (MP4 or the like)"}},
  };
  for (const auto& [name, content] : cases) {
    const auto file = write(name, content.first);
    EXPECT_EQ(complaint<DataError>([&] { open({.data = file}); }),
              cat("the format of '", file.string(), "' is ", content.second,
                  ", which is not read; convert it to JPEG or PNG"));
  }
}

TEST_F(DataSetFolder, CompressedArchivesAreRefusedWithWhatUnpacksThem) {
  const auto file = write("val.tar.gz", "\x1F\x8B\x08");
  EXPECT_EQ(complaint<DataError>([&] { open({.data = file}); }),
            cat("'", file.string(), "' is compressed: unpack it with gunzip; a plain .tar is read in place"));
  EXPECT_TRUE(says(complaint<DataError>([&] { open({.data = write("val.zip", "PK\3\4")}); }), "unzip"));
}

// --- labels files ---

TEST_F(DataSetFolder, KaggleSolution) {
  add_validation(3);
  const auto data_set = open_labelled(
      "ImageId,PredictionString\n"
      "ILSVRC2012_val_00000003,n01491361 1 2 3 4 \n"
      "ILSVRC2012_val_00000001,n01484850 85 1 499 272 n01440764 85 1 499 272 \n"
      "ILSVRC2012_val_00000009,n01440764 0 0 1 1 \n"
      "ILSVRC2012_val_00000002,n01440764 0 0 1 1 \n");
  EXPECT_EQ(data_set.layout, "flat");
  EXPECT_EQ(labels(data_set), (Labels{2, 0, 3}));
}

TEST_F(DataSetFolder, CsvOfPathAndLabel) {
  add("a, b.jpg");
  add("sub/c.jpg");
  EXPECT_EQ(labels(open_labelled("path,label\n\"a, b.jpg\",n01443537\n./sub/c.jpg,3\n")), (Labels{1, 3}));
  EXPECT_EQ(labels(open_labelled("c,0\r\n\"a, b\",2\r\n")), (Labels{2, 0})) << "by name without extension";
  EXPECT_EQ(labels(open_labelled("sub/c.jpg,70\n\"a, b.jpg\",5\n", {})), (Labels{5, 70}))
      << "classes unknown";
}

TEST_F(DataSetFolder, ListOfPathAndLabel) {
  add("my cat.jpg");
  add("sub/c.jpg");
  EXPECT_EQ(labels(open_labelled("sub/c.jpg n01443537\nmy cat.jpg   0\n")), (Labels{0, 1}));
}

TEST_F(DataSetFolder, LabelsFileWinsOverFolders) {
  add("n01440764/1.jpg");
  EXPECT_EQ(labels(open_labelled("n01440764/1.jpg,3\n")), (Labels{3}));
}

TEST_F(DataSetFolder, LabelsBeyondTheLimitMayBeMissing) {
  add("a.jpg");
  add("b.jpg");
  EXPECT_EQ(labels(open({.labels = write("labels", "a.jpg,1\n"), .limit = 1})), (Labels{1}));
}

TEST_F(DataSetFolder, BadLabelsFiles) {
  add("a.jpg");
  add("sub/a.png");
  const auto complaint_about = [this](const std::string& content, const Strings& class_ids = classes) {
    return complaint<DataError>([&] { open_labelled(content, class_ids); });
  };
  EXPECT_TRUE(says(complaint_about("path,label\na.jpg,0\n\nsub/a.png,4\n"),
                   "line 4: label '4' is not in 0..3: are the labels 1-based?"));
  EXPECT_TRUE(says(complaint_about("a.jpg,-1\n"), "line 1: label '-1' is not in 0..3"));
  EXPECT_TRUE(says(complaint_about("a.jpg,n09999999\n"), "line 1: label 'n09999999' is no class"));
  EXPECT_TRUE(says(complaint_about("a.jpg,n01440764\n", {}), "has no class ids"));
  EXPECT_TRUE(says(complaint_about("a.jpg,0\nsub/a.png,1,2\n"), "line 2: 3 fields, and 2 in the first line"));
  EXPECT_TRUE(says(complaint_about("a.jpg,0\nsub/a.png\n"), "line 2: no label"));
  EXPECT_TRUE(says(complaint_about("a.jpg,0\na.jpg,1\n"), "line 2: 'a.jpg' already has a label in line 1"));
  EXPECT_TRUE(says(complaint_about("a.jpg,0\n"), "'sub/a.png' has no label"));
  EXPECT_TRUE(says(complaint_about("a,0\n"), "line 1, fits both 'a.jpg' and 'sub/a.png'"));
  EXPECT_TRUE(says(complaint_about(""), "is empty"));
  EXPECT_TRUE(says(complaint<UsageError>([&] { open({.labels = folder_ / "gone.csv"}); }), "gone.csv"));
}

// --- the devkit's ground truth ---

TEST_F(DataSetFolder, DevkitGroundTruthGoesThroughItsClassMap) {
  add_validation(3);
  const std::string truth = "4\n1\n2\n";
  const std::string maps[] = {
      "ILSVRC2012_ID,WNID,words\n1,n01491361,\"tiger shark, "
      "shark\"\n2,n01440764,tench\n4,n01443537,goldfish\n",
      "1 n01491361 tiger_shark\n2 n01440764 tench\n4 n01443537 goldfish\n",
      "n01491361 1 tiger_shark\nn01440764 2 tench\nn01443537 4 goldfish\n",
      "WNID\tILSVRC2012_ID\nn01491361\t1\nn01440764\t2\nn01443537\t4\n",
  };
  for (const auto& map : maps) EXPECT_EQ(labels(open_devkit(truth, map)), (Labels{1, 3, 0})) << map;
  fs::remove(data_ / "ILSVRC2012_val_00000001.JPEG");
  EXPECT_EQ(labels(open_devkit(truth, maps[0])), (Labels{3, 0})) << "by the image's number, not by its rank";
}

TEST_F(DataSetFolder, DevkitGroundTruthIsRefusedWithoutItsClassMap) {
  add_validation(1);
  EXPECT_TRUE(says(complaint<UsageError>([&] { open_labelled("1\n"); }), "class map"));
  const auto without_class_ids = [&] {
    open({.labels = write("truth", "1\n"), .devkit_map = write("map", "1 n01440764\n")}, {});
  };
  EXPECT_TRUE(says(complaint<UsageError>(without_class_ids), "class ids"));
}

TEST_F(DataSetFolder, BadDevkitFiles) {
  add_validation(2);
  const auto complaint_about = [this](const std::string& truth, const std::string& map) {
    return complaint<DataError>([&] { open_devkit(truth, map); });
  };
  EXPECT_TRUE(says(complaint_about("1\n2\n", "1 n01440764\n"), "line 2: class 2 is not in the class map"));
  EXPECT_TRUE(says(complaint_about("1\n1\n", "1 n09999999\n"), "'n09999999' is no class"));
  EXPECT_TRUE(says(complaint_about("1\n", "1 n01440764\n"), "'ILSVRC2012_val_00000002.JPEG' has no label"));
  EXPECT_TRUE(says(complaint_about("1\n1\n", "1 n01440764\n1 n01443537\n"),
                   "line 2: ILSVRC2012_ID 1 is given twice"));
  EXPECT_TRUE(says(complaint_about("1\n1\n", "1 n01440764\ntwo\n"), "line 2"));
  EXPECT_TRUE(says(complaint_about("1\n1\n", "lonely\n"), "line 1"));
  add("cat.jpg");
  EXPECT_TRUE(says(complaint_about("1\n1\n", "1 n01440764\n"), "'cat.jpg' has no label"));
  EXPECT_TRUE(
      says(complaint<UsageError>([&] { open_devkit("cat.jpg 1\n", "1 n01440764\n"); }), "not the devkit's"));
  EXPECT_TRUE(says(complaint<UsageError>([&] { open({.devkit_map = write("map", "1 n01440764\n")}); }),
                   "ground truth"));
}

// --- lists ---

TEST_F(DataSetFolder, ListOfImages) {
  add("b.jpg");
  add("my cat.jpg");
  const auto outside = write("outside.jpg", "x");
  const auto list = write("data/list.txt", "my cat.jpg\n./b.jpg\n../outside.jpg\n");
  const auto data_set = open({.data = list});
  EXPECT_EQ(data_set.layout, "list");
  EXPECT_EQ(ids(data_set), (Strings{"b.jpg", "my cat.jpg", outside.relative_path().generic_string()}));
  EXPECT_FALSE(data_set.labelled());
  EXPECT_TRUE(fs::equivalent(data_set.images[2].source.file, outside));
}

TEST_F(DataSetFolder, ListsWithLabels) {
  add("b.jpg");
  const auto absolute = add("my cat.jpg");
  EXPECT_EQ(labels(open({.data = write("data/list", "my cat.jpg 2\nb.jpg n01443537\n")})), (Labels{1, 2}));
  const auto csv =
      open({.data = write("data/list.csv", "path,label\n" + absolute.string() + ",2\nb.jpg,0\n")});
  EXPECT_EQ(ids(csv), (Strings{"b.jpg", "my cat.jpg"}));
  EXPECT_EQ(labels(csv), (Labels{0, 2}));
  const auto list = write("data/list", "b.jpg\nmy cat.jpg\n");
  EXPECT_EQ(labels(open({.data = list, .labels = write("labels", "b.jpg 1\nmy cat.jpg 3\n")})),
            (Labels{1, 3}));
}

TEST_F(DataSetFolder, BadLists) {
  add("a.jpg");
  add("b.jpg");
  const auto complaint_about = [this](const std::string& list) {
    return complaint<DataError>([&] { open({.data = write("data/list", list)}); });
  };
  EXPECT_TRUE(says(complaint_about("a.jpg\ngone.jpg\n"), "line 2: image"));
  EXPECT_TRUE(says(complaint_about("a.jpg 1\nb.jpg\n"), "line 2: some lines"));
  EXPECT_TRUE(says(complaint_about("a.jpg\nb.jpg 0\n"), "line 2: some lines"));
  EXPECT_TRUE(says(complaint_about("a.jpg 0\nb.jpg 4\n"), "line 2: label '4' is not in 0..3"));
  EXPECT_TRUE(says(complaint_about("a.jpg\n./a.jpg\n"), "'a.jpg' is listed twice"));
  EXPECT_TRUE(says(complaint_about("path,label\n"), "no images"));
  const auto labelled_twice = [&] {
    open({.data = write("data/list", "a.jpg 1\n"), .labels = write("labels", "a.jpg 1\n")});
  };
  EXPECT_TRUE(says(complaint<UsageError>(labelled_twice), "both"));
}

TEST(EvenlySpread, TakesTheMiddlesOfEqualParts) {
  EXPECT_EQ(evenly_spread(10, 2), (std::vector<std::size_t>{2, 7}));
  EXPECT_EQ(evenly_spread(500, 5), (std::vector<std::size_t>{50, 150, 250, 350, 450}));
  EXPECT_EQ(evenly_spread(3, 3), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(evenly_spread(3, 0), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(evenly_spread(3, 9), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(evenly_spread(0, 2).empty());
}

}  // namespace
}  // namespace xai
