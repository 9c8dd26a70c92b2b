// A tar as a data set, read in place.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "data_set_folder.hpp"
#include "python.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/data/image.hpp"

namespace xai {
namespace {

class Tar : public DataSetFolder {
 protected:
  /// Packs the data folder's content; `form`: ustar, gnu or pax.
  fs::path pack(const std::string& form = "gnu", const std::string& what = ".") {
    const auto tar = folder_ / "val.tar";
    const auto command = cat("tar --format=", form, " -cf ", tar.string(), " -C ", data_.string(), " ", what);
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    return tar;
  }
  void cut(const fs::path& tar, std::uintmax_t bytes) { fs::resize_file(tar, bytes); }
};

TEST_F(Tar, MembersAreImagesWhereverTheyLieInIt) {
  const std::string longer(120, 'd'), longest(150, 'f');
  const auto deep = cat(longer, "/", longest, ".JPEG");
  write("data/a.jpg", "first");
  write("data/" + deep, std::string(1000, 'x'));
  add("notes.txt");
  add(".hidden.jpg");
  for (const auto* form : {"gnu", "pax"}) {
    const auto tar = pack(form);
    const auto data_set = open({.data = tar});
    EXPECT_EQ(data_set.layout, "flat");
    EXPECT_EQ(data_set.root, tar);
    EXPECT_EQ(ids(data_set), (Strings{"a.jpg", deep})) << form;
    EXPECT_EQ(data_set.notes, Strings{"left out, as no images by their names: 1 .txt"});
    const ImageSource& first = data_set.images[0].source;
    EXPECT_EQ(first.file, tar);
    EXPECT_EQ(read_file(tar).substr(first.offset, first.size.value()), "first") << form;
    EXPECT_EQ(data_set.images[1].source.size, 1000U);
    EXPECT_EQ(data_set.sha256, open().sha256) << "as unpacked";
  }
}

TEST_F(Tar, UstarSplitsLongNames) {
  const auto id = cat(std::string(90, 'd'), "/", std::string(60, 'f'), ".png");
  add(id);
  EXPECT_EQ(ids(open({.data = pack("ustar")})), (Strings{id}));
}

TEST_F(Tar, ClassFoldersAndLabelsAreAsInFolders) {
  add("n01491361/b.JPEG");
  add("n01443537/a.JPEG");
  const auto by_folder = open({.data = pack()});
  EXPECT_EQ(by_folder.layout, "class-folders");
  EXPECT_EQ(labels(by_folder), (Labels{1, 3}));
  const auto tar = pack("gnu", "n01491361/b.JPEG n01443537/a.JPEG");
  EXPECT_EQ(labels(open({.data = tar, .labels = write("l.csv", "path,label\na.JPEG,0\nb.JPEG,2\n")})),
            (Labels{0, 2}));
}

TEST_F(Tar, OfAMemberPackedAgainTheLastCounts) {
  write("data/a.jpg", "old");
  const auto tar = pack();
  write("data/a.jpg", "newer");
  const auto command = cat("tar -rf ", tar.string(), " -C ", data_.string(), " ./a.jpg");
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto data_set = open({.data = tar});
  ASSERT_EQ(ids(data_set), Strings{"a.jpg"});
  EXPECT_EQ(data_set.images[0].source.size, 5U);
}

TEST_F(Tar, PhotographsAreReadInPlace) {
  if (!fs::exists(python())) GTEST_SKIP() << "needs PIL of " << python() << ": run scripts/setup.sh";
  fs::create_directories(data_);
  const auto make =
      cat(python().string(), " -c \"from PIL import Image; import sys; ",
          "[Image.new('RGB', (9 + i, 7), (i, 2, 3)).save(f'{sys.argv[1]}/{i}.png') for i in range(3)]\" ",
          data_.string());
  ASSERT_EQ(std::system(make.c_str()), 0);
  const auto data_set = open({.data = pack()});
  ASSERT_EQ(data_set.images.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const Photograph photograph = read_photograph(data_set.images[static_cast<std::size_t>(i)].source, 1000);
    EXPECT_EQ(photograph.rgb.size(), cv::Size(9 + i, 7));
    EXPECT_EQ(photograph.rgb.at<cv::Vec3b>(3, 3), cv::Vec3b(static_cast<unsigned char>(i), 2, 3));
    EXPECT_EQ(photograph.content, sha256_file(data_ / cat(i, ".png")));
  }
}

TEST_F(Tar, DamagedMembersNameTheTarAndThePlace) {
  write("data/a.jpg", "no JPEG");
  const auto tar = pack("gnu", "a.jpg");
  const auto data_set = open({.data = tar});
  EXPECT_EQ(complaint<DataError>([&] { read_photograph(data_set.images[0].source, 1000); }),
            cat("cannot use image in '", tar.string(), "' at byte 512: it is not an image by its content"));
}

TEST_F(Tar, CutShortIsRefused) {
  write("data/a.jpg", std::string(1000, 'x'));
  write("data/b.jpg", std::string(1000, 'y'));
  const auto complaint_of_cut = [&](std::uintmax_t bytes) {
    const auto tar = pack("gnu", "a.jpg b.jpg");
    cut(tar, bytes);
    return complaint<DataError>([&] { open({.data = tar}); });
  };
  const std::string tar = (folder_ / "val.tar").string();
  EXPECT_EQ(complaint_of_cut(512 + 900),
            cat("the tar '", tar,
                "' is cut short or damaged: member 'a.jpg' ends behind the file's end, at byte 1412"));
  EXPECT_EQ(complaint_of_cut(600),
            cat("the tar '", tar,
                "' is cut short or damaged: member 'a.jpg' ends behind the file's end, at byte 600"));
  EXPECT_EQ(complaint_of_cut(512 + 1024),
            cat("the tar '", tar, "' is cut short or damaged: it ends at byte 1536, without an end mark"));
  EXPECT_EQ(complaint_of_cut(512 + 1024 + 100),
            cat("the tar '", tar, "' is cut short or damaged: it ends at byte 1636, within a member"));
  EXPECT_EQ(complaint_of_cut(2 * (512 + 1024) + 1024), "");
}

TEST_F(Tar, ANameEndsWithItsFirstNul) {
  const std::string name = std::string(120, 'f') + "1.png";
  add(name);
  const auto tar = pack("pax");
  std::string bytes = read_file(tar);
  const auto at = bytes.find(name, bytes.find("path="));
  bytes.replace(at, name.size(), std::string("x.png\0", 6) + std::string(name.size() - 6, 'y'));
  write("val.tar", bytes);
  EXPECT_EQ(ids(open({.data = tar})), Strings{"x.png"});
}

TEST_F(Tar, WithoutImagesSaysWhatThereIs) {
  add("n01440764.tar");
  add("n01443537.tar");
  EXPECT_TRUE(says(complaint<DataError>([&] { open({.data = pack()}); }), "there are 2 .tar"));
}

TEST_F(Tar, NamesDoNotLeadOutOfItAndLinksAndDevicesAreLeftOut) {
  add("a.jpg");
  fs::create_symlink("/etc/passwd", data_ / "link.jpg");
  fs::create_hard_link(data_ / "a.jpg", data_ / "hard.jpg");
  ASSERT_EQ(mkfifo((data_ / "pipe.jpg").c_str(), 0600), 0);
  const auto pack_as = [&](const std::string& form, const std::string& name) {
    pack(form, cat("-P --transform='flags=r;s,^a.jpg,", name, ",' a.jpg link.jpg hard.jpg pipe.jpg"));
    return open({.data = folder_ / "val.tar"});
  };
  for (const auto* form : {"gnu", "pax", "ustar"}) {
    EXPECT_EQ(ids(pack_as(form, "../../up.jpg")), Strings{"up.jpg"}) << form;
    EXPECT_EQ(ids(pack_as(form, "/etc/cron.d/x.jpg")), Strings{"etc/cron.d/x.jpg"}) << form;
    EXPECT_EQ(ids(pack_as(form, "b/../../../c/./d.jpg")), Strings{"c/d.jpg"}) << form;
    const std::string deep = cat("../../", std::string(120, 'x'), "/", std::string(140, 'y'), ".jpg");
    if (form != std::string("ustar")) {
      EXPECT_EQ(ids(pack_as(form, deep)), Strings{deep.substr(6)}) << form;
    }
  }
}

}  // namespace
}  // namespace xai
