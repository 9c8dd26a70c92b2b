#include "xai/report/picture.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <tuple>

#include "xai/core/error.hpp"

namespace xai {
namespace {

// in pixels of the picture
constexpr int margin = 28;
constexpr int gap = 14;
constexpr int title_height = 74;
constexpr int caption_height = 34;
constexpr int smallest_tile = 224;
constexpr int largest_tile = 384;
constexpr int columns = 3;

const cv::Scalar paper(255, 255, 255);
const cv::Scalar ink(32, 33, 38);
const cv::Scalar faded_ink(112, 114, 122);

struct Font {
  int capital_height;  ///< pixels
  cv::Scalar color;
  bool bold = false;
};
const Font title_font{17, ink, true};
const Font text_font{11, faded_ink};
const Font caption_font{11, ink};

/// Text in OpenCV's built-in strokes, drawn four times as large and averaged down, which looks like set type.
class Text {
 public:
  Text(const std::string& text, const Font& font) : color_(font.color) {
    const double scale = oversampling * font.capital_height / 21.0;  // a capital has 21 units
    const int stroke = cvRound(scale * (font.bold ? 2.6 : 1.5));
    int below = 0;
    const auto size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, stroke, &below);
    descent_ = below / oversampling + 2;
    cv::Mat large = cv::Mat::zeros((size.height / oversampling + descent_ + 4) * oversampling,
                                   (size.width / oversampling + 4) * oversampling, CV_8U);
    cv::putText(large, text, {oversampling, large.rows - descent_ * oversampling}, cv::FONT_HERSHEY_SIMPLEX,
                scale, 255, stroke, cv::LINE_AA);
    cv::resize(large, coverage_, {}, 1.0 / oversampling, 1.0 / oversampling, cv::INTER_AREA);
  }

  int width() const { return coverage_.cols; }

  /// Draws with the base line at `at`.y, from `at`.x on; what lies outside the canvas is cut off.
  void draw(cv::Mat& canvas, cv::Point at) const {
    const cv::Rect whole(at.x, at.y + descent_ - coverage_.rows, coverage_.cols, coverage_.rows);
    const cv::Rect inside = whole & cv::Rect({}, canvas.size());
    cv::Mat target = canvas(inside);
    const cv::Mat solid(target.size(), target.type(), color_);
    cv::Mat weight, rest;
    coverage_(inside - whole.tl()).convertTo(weight, CV_32F, 1 / 255.0);
    rest = 1 - weight;
    cv::blendLinear(solid, target, weight, rest, target);
  }

 private:
  static constexpr int oversampling = 4;
  cv::Scalar color_;
  int descent_;
  cv::Mat coverage_;
};

/// Draws text that is shortened to fit `width`; returns the width that it took.
int draw_text(cv::Mat& canvas, cv::Point at, std::string text, const Font& font, int width) {
  Text drawn(text, font);
  while (drawn.width() > width && text.size() > 4) {
    text = text.substr(0, text.size() - 4) + "...";
    drawn = Text(text, font);
  }
  drawn.draw(canvas, at);
  return drawn.width();
}

std::string percent(double share) {
  // never "100 %" or "0 %" of what is not all or nothing
  const double points = 100 * share;
  char text[16];
  std::snprintf(text, sizeof text, points < 10 || (points > 99 && points < 100) ? "%.1f %%" : "%.0f %%",
                points);
  return text;
}

std::string count_of(long n, const std::string& noun) {
  return cat(n, " ", noun, n == 1 ? "" : "s");
}

/// U(S) of SPEC 3, H x W CV_32F.
cv::Mat visible_mask(const PatchSet& set, int grid, cv::Size size, MaskKind kind) {
  auto rows = interpolation_matrix(size.height, grid, kind);
  auto cols = interpolation_matrix(size.width, grid, kind);
  cv::Mat indicator = cv::Mat::zeros(grid, grid, CV_32F);
  for (const int p : set.patches()) indicator.at<float>(p / grid, p % grid) = 1;
  const cv::Mat a_h(size.height, grid, CV_32F, rows.data());
  const cv::Mat a_w(size.width, grid, CV_32F, cols.data());
  return a_h * indicator * a_w.t();
}

/// Paints a share of white over a rectangle.
void lighten(cv::Mat& picture, cv::Rect where, double share) {
  where &= cv::Rect({}, picture.size());
  cv::Mat part = picture(where);
  cv::addWeighted(part, 1 - share, cv::Mat(part.size(), part.type(), paper), share, 0, part);
}

/// The patch grid: faint lines, brighter ones where the set's patches end.
void draw_grid(cv::Mat& tile, const PatchSet& set, int grid, cv::Size size, MaskKind kind) {
  const auto positions = [&](int pixels, int drawn) {
    std::vector<int> result;
    for (const double border : patch_borders(pixels, grid, kind))
      result.push_back(cvRound(border * drawn / pixels));
    return result;
  };
  const auto xs = positions(size.width, tile.cols), ys = positions(size.height, tile.rows);
  const auto strength = [](bool a, bool b) { return a != b ? 0.75 : 0.13; };
  for (int r = 0; r < grid; ++r)
    for (int c = 0; c < grid; ++c) {
      const bool here = set.contains(r * grid + c);
      if (c > 0)
        lighten(tile, {xs[c] - 1, ys[r], 1, ys[r + 1] - ys[r]},
                strength(here, set.contains(r * grid + c - 1)));
      if (r > 0)
        lighten(tile, {xs[c], ys[r] - 1, xs[c + 1] - xs[c], 1},
                strength(here, set.contains((r - 1) * grid + c)));
    }
}

cv::Mat scaled(const cv::Mat& picture, cv::Size size) {
  if (picture.size() == size) return picture.clone();
  cv::Mat result;
  cv::resize(picture, result, size, 0, 0,
             size.area() < picture.size().area() ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

/// What an MSE leaves visible of the photograph, on a blurred and dimmed ground.
cv::Mat mse_tile(const cv::Mat& photograph, const cv::Mat& ground, const PatchSet& set, int grid,
                 MaskKind kind, cv::Size size) {
  const cv::Mat visible = visible_mask(set, grid, photograph.size(), kind);
  const cv::Mat hidden = 1 - visible;
  cv::Mat composed;
  cv::blendLinear(photograph, ground, visible, hidden, composed);
  cv::Mat tile = scaled(composed, size);
  draw_grid(tile, set, grid, photograph.size(), kind);
  return tile;
}

cv::Mat blurred_and_dimmed(const cv::Mat& photograph) {
  cv::Mat ground, grey;
  cv::GaussianBlur(photograph, ground, {}, photograph.rows / 28.0);
  cv::cvtColor(ground, grey, cv::COLOR_RGB2GRAY);
  cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
  cv::addWeighted(ground, 0.14, grey, 0.18, 8, ground);
  return ground;
}

/// The size of an MSE's tile: the photograph's own where that is neither too small to see nor too large to
/// show.
cv::Size tile_size(cv::Size photograph) {
  const double scale =
      std::clamp(1.0, static_cast<double>(smallest_tile) / photograph.height,
                 std::max(static_cast<double>(largest_tile), 1.0 * smallest_tile) / photograph.height);
  return {cvRound(scale * photograph.width), cvRound(scale * photograph.height)};
}

std::string sentence(const MseResult& result, const MseOptions& options, std::size_t shown) {
  const std::string kept = cat("at least ", percent(options.threshold), " of this probability");
  switch (result.status) {
    case MseStatus::zero_probability:
      return "The model gives this class no probability: there is nothing to explain.";
    case MseStatus::baseline_sufficient:
      return cat("The baseline without any patch keeps ", kept, ": no patch is needed.");
    case MseStatus::ok:
      break;
  }
  if (result.mses.empty())
    return cat("No set of patches that keeps ", kept, " was found in ",
               count_of(result.evaluations, "evaluation"), ".");
  return cat("Each of these patch sets alone keeps ", kept, ", and none of its patches can go. ",
             result.mses.size(), " found, ", result.diverse_members.size(), " of them diverse, ", shown,
             " shown.");
}

}  // namespace

std::vector<int> shown_mses(const MseResult& result, int most) {
  std::vector<char> diverse(result.mses.size(), 0);
  for (const int member : result.diverse_members) diverse[member] = 1;
  std::vector<int> order(result.mses.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  const auto rank = [&](int i) {
    return std::tuple(diverse[i] == 0, result.mses[i].patches.size(), -result.mses[i].ratio);
  };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank(a) < rank(b); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(most)));
  return order;
}

cv::Mat mse_picture(const cv::Mat& photograph, const std::string& image, const std::string& class_name,
                    const MseResult& result, const MseOptions& options, MaskKind mask) {
  require<Error>(photograph.type() == CV_8UC3 && !photograph.empty(),
                 "a picture needs an 8-bit RGB photograph; convert it first");
  const auto shown = shown_mses(result);
  const auto tile = tile_size(photograph.size());
  const int tile_rows = static_cast<int>(shown.size()) > columns ? 2 : 1;
  const int tile_columns = std::min(static_cast<int>(shown.size()), columns);
  const int step = tile.height + caption_height;
  const int photograph_height = tile_rows * step - caption_height;
  const cv::Size large(cvRound(1.0 * photograph_height * tile.width / tile.height), photograph_height);
  const int content = std::max(large.width + tile_columns * (gap + tile.width), 3 * smallest_tile);
  cv::Mat canvas(margin + title_height + tile_rows * step + margin - caption_height / 2,
                 margin + content + margin, CV_8UC3, paper);

  const std::string title = cat(class_name, ", ", percent(result.p_full));
  const int title_width = draw_text(canvas, {margin, margin + 18}, title, title_font, content);
  draw_text(canvas, {margin + title_width + gap, margin + 18}, image, text_font, content - title_width - gap);
  draw_text(canvas, {margin, margin + 48}, sentence(result, options, shown.size()), text_font, content);

  const int top = margin + title_height;
  scaled(photograph, large).copyTo(canvas(cv::Rect({margin, top}, large)));
  const cv::Mat ground = blurred_and_dimmed(photograph);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Mse& mse = result.mses[shown[i]];
    const cv::Point corner(margin + large.width + gap + static_cast<int>(i % columns) * (gap + tile.width),
                           top + static_cast<int>(i / columns) * step);
    mse_tile(photograph, ground, mse.patches, options.grid, mask, tile)
        .copyTo(canvas(cv::Rect(corner, tile)));
    draw_text(canvas, corner + cv::Point(0, tile.height + 20),
              cat(i + 1, ":  ", mse.patches.size() == 1 ? "1 patch" : cat(mse.patches.size(), " patches"),
                  ", ", percent(mse.ratio)),
              caption_font, tile.width);
  }
  return canvas;
}

std::string picture_path(const std::string& image) {
  return "images/" + image + ".png";
}

std::string encode_png(const cv::Mat& rgb) {
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  std::vector<unsigned char> bytes;
  require<Error>(cv::imencode(".png", bgr, bytes), "OpenCV cannot write PNG; install it with PNG support");
  return {bytes.begin(), bytes.end()};
}

}  // namespace xai
